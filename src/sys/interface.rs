//! Network interfaces by name, if_nametoindex(3).

use super::{Result, last};
use crate::wire::errno::Errno;
use std::ffi::CString;

/// The index of an interface.
pub fn index(name: &[u8]) -> Result<u32> {
    let name = CString::new(name).map_err(|_| Errno::new(libc::ENODEV))?;
    // SAFETY: the name is a string that ends with a NUL.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(last()),
        index => Ok(index),
    }
}
