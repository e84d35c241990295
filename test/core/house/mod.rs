//! The house: rooms, rules and documents, read from the files.

mod docs;
mod rooms;
pub(crate) mod tidy;
