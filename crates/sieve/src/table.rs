//! Tables that are constants of the program, or made while it runs.

use std::ops::Deref;

/// A table.
#[derive(Debug)]
pub enum Table<T: ?Sized + 'static> {
    /// A constant.
    Static(&'static T),
    /// One that was made, shared.
    Made(std::sync::Arc<T>),
}

impl<T: ?Sized> Deref for Table<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Static(table) => table,
            Self::Made(table) => table,
        }
    }
}

impl<T: ?Sized> Clone for Table<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Static(table) => Self::Static(table),
            Self::Made(table) => Self::Made(std::sync::Arc::clone(table)),
        }
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Table<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: ?Sized + Eq> Eq for Table<T> {}

impl<T> From<Vec<T>> for Table<[T]> {
    fn from(table: Vec<T>) -> Self {
        Self::Made(table.into())
    }
}
