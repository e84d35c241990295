//! The core: sockets on pollers of their own, without the BEAM.
//!
//! It knows descriptors, waiters and tables, and nothing of terms or processes: the waiter is a type parameter
//! ([`lane::Wake`]). The crate `esock_nif` connects it to the BEAM.
//!
//! Each module is a room. From the ground up: [`wire`], [`table`], [`sys`], [`lane`], [`op`], [`poller`], [`ring`], [`socket`].
//! A room uses only the rooms below it, and no files use one another in a circle (`test/core/house/rooms.rs`).

pub mod lane;
pub mod op;
pub mod poller;
pub mod ring;
pub mod socket;
pub mod sys;
pub mod table;
pub mod wire;
