//! Socket options: the table.

pub mod table;
