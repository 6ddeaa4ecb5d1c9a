//! What operators do at the broker itself.

pub(crate) mod config;
pub(crate) mod dead_letters;
pub(crate) mod directory;
mod directory_import;
pub(crate) mod keys;
pub(crate) mod streams;
