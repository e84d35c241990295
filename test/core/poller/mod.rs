//! Tests of `src/poller`.

mod busy;
mod events;
