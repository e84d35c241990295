//! The core: sockets with poller threads of their own, without the BEAM.
//!
//! It knows descriptors, waiters and tables. It knows neither terms nor processes: the type of a waiter is a
//! parameter ([`lane::Wake`]). The crate `esock_nif` connects it to the BEAM.
//!
//! Each module is a layer. From the bottom up: [`wire`], [`table`], [`sys`], [`lane`], [`op`], [`poller`], [`ring`],
//! [`socket`]. A module uses only the modules below it, and no files use one another in a cycle
//! (`test/core/house/rooms.rs`).

pub mod lane;
pub mod op;
pub mod poller;
pub mod ring;
pub mod socket;
pub mod sys;
pub mod table;
pub mod wire;
