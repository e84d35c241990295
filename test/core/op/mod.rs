//! Tests of `src/op`.

mod gso;
