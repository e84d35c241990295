//! Tests of `src/socket`.

mod calls;
mod observers;
mod registry;
mod shortage;
pub(crate) mod waiting;
