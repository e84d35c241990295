//! Tests of the core without a BEAM, in the rooms of `src/`.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod house;
mod lane;
mod op;
mod poller;
mod ring;
mod socket;
mod sys;
mod table;
mod wire;
