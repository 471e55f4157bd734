//! Contracts as properties.
