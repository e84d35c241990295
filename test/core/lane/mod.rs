//! Tests of `src/lane`.

mod turns;
