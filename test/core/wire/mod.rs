//! Tests of `src/wire`.

mod addr;
mod generate;
mod layout;
mod round_trip;
