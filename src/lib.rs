//! The core: sockets on pollers of their own, without the BEAM.
//!
//! Everything here knows descriptors, waiting lines and tables, and nothing of terms or processes: who waits is a type
//! parameter ([`lane::Wake`]). The crate `esock_nif` puts the BEAM around it. ARCHITECTURE.md has the map.

pub mod addr;
pub mod ahead;
pub mod answer;
pub mod backoff;
pub mod call;
pub mod codec;
pub mod completion;
pub mod control;
pub mod counter;
pub mod descriptor;
pub mod errno;
pub mod extended_error;
pub mod flag;
pub mod ioctl;
pub mod kind;
pub mod lane;
pub mod layout;
pub mod name;
pub mod notification;
pub mod op;
pub mod open;
pub mod option;
pub mod owed;
pub mod patience;
pub mod poller;
pub mod probe;
mod queue;
pub mod readiness;
pub mod registry;
pub mod sctp;
pub mod settings;
pub mod socket;
pub mod sys;
pub mod tos;
pub mod wakes;
