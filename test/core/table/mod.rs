//! Tests of `src/table`.

mod families;
mod rows;
