//! The end of the operating-system process, atexit(3).

/// Has `hook` called when the process exits. Answers whether there was room for it.
pub fn at_exit(hook: extern "C" fn()) -> bool {
    // SAFETY: the library is linked with `-z nodelete`, so that the function is there when the process ends.
    unsafe { libc::atexit(hook) == 0 }
}
