//! The core's types as terms.

pub(crate) mod address;
pub(crate) mod control;
pub(crate) mod flags;
pub(crate) mod list;
pub(crate) mod lookup;
pub(crate) mod message;
pub(crate) mod sockaddr;
pub(crate) mod value;
