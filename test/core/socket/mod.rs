//! Tests of `src/socket`.

mod calls;
mod registry;
mod shortage;
pub(crate) mod waiting;
