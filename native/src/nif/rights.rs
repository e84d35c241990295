//! Descriptors received in a message (SCM_RIGHTS): as sockets of the caller, or as numbers.

use crate::process::{Handle, Wait, handle, open};
use crate::{atoms, fail};
use esock::socket::Socket;
use esock::sys::io::Received;
use rustler::{Atom, Encoder, Env, Term};
use std::os::fd::{IntoRawFd, OwnedFd};

/// What a receive does with the descriptors of its message.
#[derive(Clone, Copy)]
pub(super) struct Rights {
    /// The most descriptors that the caller takes. The others are closed.
    most: usize,
    /// The caller takes sockets instead of numbers.
    sockets: bool,
}

impl Rights {
    /// The room for control messages in bytes: for the most descriptors of one message (253, SCM_MAX_FD), and for what
    /// the system sends before them.
    pub(super) const ROOM: usize = 2048;

    /// From `{fds, Most, socket | fd}`, in the place of the size of control messages.
    pub(super) fn decode(term: Term<'_>) -> Option<Self> {
        let (key, most, how): (Atom, usize, Atom) = term.decode().ok()?;
        let sockets = how == atoms::socket();
        (key == atoms::fds() && (sockets || how == atoms::fd())).then_some(Self { most, sockets })
    }

    /// Takes the descriptors of a message. Those beyond the most are closed.
    pub(super) fn take(self, got: &mut Received) -> Vec<OwnedFd> {
        got.take_rights(self.most)
    }

    /// `{ok, Message}` with the descriptors under the key `fds`, or `{signals, Message}` after some sockets.
    pub(super) fn answer<'a>(
        self,
        env: Env<'a>,
        (wait, socket): (&Wait<'a>, &Handle),
        message: Term<'a>,
        fds: Vec<OwnedFd>,
    ) -> Option<Term<'a>> {
        let tag = if self.sockets && !fds.is_empty() { open::ok_or_signals(fds.len()) } else { atoms::ok() };
        let term = |fd: OwnedFd| match self.sockets {
            true => adopted(env, wait, socket, fd),
            false => fd.into_raw_fd().encode(env),
        };
        let terms: Vec<_> = fds.into_iter().map(term).collect();
        Some((tag, message.map_put(atoms::fds(), terms).ok()?).encode(env))
    }
}

/// A socket of the caller; or `{error, Reason}`, and the descriptor is closed: `enotsock` for a file or a pipe.
fn adopted<'a>(env: Env<'a>, wait: &Wait<'a>, from: &Handle, fd: OwnedFd) -> Term<'a> {
    match Socket::adopt(fd, from.socket.backend) {
        Ok(socket) => handle::socket_term(env, &Handle::open(env, (wait.place(), wait.pid), socket, from.registered())),
        Err(errno) => fail::posix(env, errno),
    }
}
