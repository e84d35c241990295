//! Tests of `src/table`.

mod rows;
