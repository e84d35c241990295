//! io_uring(7): rings that receive for TCP streams, and the read-ahead buffers with the bytes they have received.

pub mod ahead;
pub mod pool;
pub mod thread;
