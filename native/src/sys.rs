//! The `unsafe` of the NIF: functions of rustler that have no safe form, or none that reports failure.
#![allow(unsafe_code)]

use esock::sys::room::Space;
use rustler::sys::{ErlNifEnv, ErlNifTerm, enif_alloc_binary, enif_get_tuple};
use rustler::{Encoder, Env, OwnedBinary, Term};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

/// A binary of that size, not initialized; `None` if there is no memory for it. rustler's own constructor aborts the VM
/// then.
fn alloc(len: usize) -> Option<OwnedBinary> {
    let mut raw = MaybeUninit::uninit();
    // SAFETY: the call fills `raw` if it answers anything but 0, and nothing else refers to that binary.
    unsafe { (enif_alloc_binary(len, raw.as_mut_ptr()) != 0).then(|| OwnedBinary::from_raw(raw.assume_init())) }
}

/// A binary with these bytes; `None` if there is no memory for it.
pub(crate) fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Option<Term<'a>> {
    let mut filling = Filling::new(bytes.len())?;
    filling.space().append(bytes);
    filling.term(env)
}

/// A binary that is being filled. Only the part that has been filled is read.
pub(crate) struct Filling {
    binary: OwnedBinary,
    filled: usize,
}

impl Filling {
    /// A binary of that size; `None` if there is no memory for it.
    pub(crate) fn new(len: usize) -> Option<Self> {
        alloc(len).map(|binary| Self { binary, filled: 0 })
    }

    /// The room to fill.
    pub(crate) fn space(&mut self) -> Space<'_> {
        Space::over(self.binary.as_mut_slice(), &mut self.filled)
    }

    /// The bytes that have been filled.
    pub(crate) fn written(&self) -> &[u8] {
        self.binary.as_slice().get(..self.filled).unwrap_or_default()
    }

    /// The bytes that have been filled, as a binary of that size.
    pub(crate) fn term<'a>(mut self, env: Env<'a>) -> Option<Term<'a>> {
        if self.filled != self.binary.len() && !self.binary.realloc(self.filled) {
            return None;
        }
        Some(self.binary.release(env).encode(env))
    }
}

thread_local! {
    /// The environment of the NIF call in which this thread is, for code that does not pass it on.
    static CALL: Cell<*mut ErlNifEnv> = const { Cell::new(null_mut()) };
}

/// Runs `work`, during which [`call`] has the environment of the NIF call.
pub(crate) fn in_call<T>(env: Env<'_>, work: impl FnOnce() -> T) -> T {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            CALL.set(null_mut());
        }
    }
    CALL.set(env.as_c_arg());
    let _over = Over;
    work()
}

/// Whether this thread is within [`in_call`].
pub(crate) fn calling() -> bool {
    !CALL.get().is_null()
}

/// Runs `work` with the environment of [`in_call`]; with `None` outside it.
pub(crate) fn call<T>(work: impl FnOnce(Option<Env<'_>>) -> T) -> T {
    let (env, here) = (CALL.get(), ());
    // SAFETY: the environment is valid until `in_call` returns, and this runs within it. The terms that `work` makes do
    // not leave it.
    work((!env.is_null()).then(|| unsafe { Env::new(&here, env) }))
}

/// The elements of a tuple of size `N`. rustler's function makes a vector of a tuple of any size.
pub(crate) fn tuple<'a, const N: usize>(term: Term<'a>) -> Option<[Term<'a>; N]> {
    let (env, mut arity, mut elements) = (term.get_env(), 0, null());
    // SAFETY: the call writes to both if it answers 1. Then there are `arity` elements, valid as long as the
    // environment.
    unsafe {
        let found = enif_get_tuple(env.as_c_arg(), term.as_c_arg(), &raw mut arity, &raw mut elements) == 1;
        let elements: &[ErlNifTerm; N] = (found && usize::try_from(arity) == Ok(N)).then(|| &*elements.cast())?;
        Some(elements.map(|element| Term::new(env, element)))
    }
}

/// A term to raise, without a copy, since it may be large. rustler asks for a value that outlives the call, and encodes
/// it in the environment of the call.
pub(crate) struct Raised {
    env: usize,
    term: ErlNifTerm,
}

impl Raised {
    pub(crate) fn new(term: Term<'_>) -> Self {
        Self { env: term.get_env().as_c_arg().addr(), term: term.as_c_arg() }
    }
}

impl Encoder for Raised {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        if env.as_c_arg().addr() == self.env {
            // SAFETY: the term belongs to this environment.
            unsafe { Term::new(env, self.term) }
        } else {
            crate::atoms::invalid().encode(env)
        }
    }
}
