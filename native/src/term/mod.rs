//! Terms of the core's types.

pub(crate) mod address;
pub(crate) mod control;
pub(crate) mod flags;
pub(crate) mod list;
pub(crate) mod message;
pub(crate) mod value;
