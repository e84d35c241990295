//! Hooks at the exit of the operating-system process, atexit(3).

/// Registers `hook` to run when the process exits. Returns whether atexit(3) had room for it.
pub fn at_exit(hook: extern "C" fn()) -> bool {
    // SAFETY: the library is linked with `-z nodelete`, so the function is still mapped when the process exits.
    unsafe { libc::atexit(hook) == 0 }
}
