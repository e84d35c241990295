//! Tests of the core without a BEAM: a file for each theme.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod addr;
mod busy;
mod docs;
mod families;
mod gso;
mod lane;
mod layout;
mod poller;
mod registry;
mod ring;
mod room;
mod script;
mod shortage;
mod socket;
mod table;
mod tidy;
mod waiting;
