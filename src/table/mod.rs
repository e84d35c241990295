//! Tables with one row for each socket option, control message and ioctl request.

pub mod constant;
pub mod control;
pub mod family;
pub mod ioctl;
pub mod option;
