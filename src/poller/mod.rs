//! Pollers: threads that wait for the kernel to report a descriptor ready, and notify the source of that descriptor.

pub mod busy;
pub mod duplicate;
pub mod epoll;
pub mod event;
pub mod pool;
pub mod registration;
pub mod token;
