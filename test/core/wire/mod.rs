//! Tests of `src/wire`.

mod addr;
mod layout;
