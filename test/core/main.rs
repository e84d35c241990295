//! Tests of the core without the BEAM: a folder for each folder of `src/`, and `house` for the rules of the source tree.
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
