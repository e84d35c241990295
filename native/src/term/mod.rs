//! Terms of the core's types.

pub(crate) mod address;
pub(crate) mod flags;
pub(crate) mod option;
