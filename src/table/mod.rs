//! Tables with one row for each socket option, control message, ioctl request and constant.

pub mod constant;
pub mod control;
pub mod family;
pub mod ioctl;
pub mod option;
