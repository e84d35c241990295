//! Tests of `src/ring`.

mod receiving;
mod script;
