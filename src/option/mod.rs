//! Socket options: the table, and the values.

pub mod table;
pub mod value;
