//! Network interfaces by name and index, if_nametoindex(3).

use super::{Result, last};
use crate::wire::errno::Errno;
use std::ffi::{CStr, CString};

/// The index of an interface.
pub fn index(name: &[u8]) -> Result<u32> {
    let name = CString::new(name).map_err(|_| Errno::new(libc::ENODEV))?;
    // SAFETY: the name is a string that ends with a NUL.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(last()),
        index => Ok(index),
    }
}

/// The name of an interface.
pub fn name(index: u32) -> Result<Vec<u8>> {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: the array has the size that the call asks for; the call answers null, or the array with a text that ends with a NUL.
    unsafe {
        let found = libc::if_indextoname(index, name.as_mut_ptr());
        if found.is_null() { Err(last()) } else { Ok(CStr::from_ptr(found).to_bytes().to_vec()) }
    }
}
