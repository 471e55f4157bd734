//! Locks of a thread that panicked are taken over: a panic ends the run, and no lock guards more than one value.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks the mutex.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the mutex held.
pub fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
