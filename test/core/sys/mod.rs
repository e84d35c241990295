//! Tests of `src/sys`.

mod families;
mod room;
