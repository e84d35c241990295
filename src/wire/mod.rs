//! Values and their encoding in system calls: addresses, option values, control messages, errors and names.

pub mod addr;
pub mod attribute;
pub mod bdaddr;
pub mod bits;
pub mod cmsg;
pub mod codec;
pub mod decode;
pub mod encode;
pub mod errno;
pub mod extended_error;
pub mod flag;
pub mod ifreq;
pub mod interned;
pub mod layout;
pub mod name;
pub mod notification;
pub mod program;
pub mod sctp;
pub mod tls;
pub mod tos;
pub mod value;
