//! Values and their encoding in system calls: addresses, option values, control messages, errors and names.

pub mod addr;
pub mod bdaddr;
pub mod cmsg;
pub mod codec;
pub mod errno;
pub mod extended_error;
pub mod flag;
pub mod ifreq;
pub mod interned;
pub mod layout;
pub mod name;
pub mod notification;
pub mod sctp;
pub mod tos;
pub mod value;
