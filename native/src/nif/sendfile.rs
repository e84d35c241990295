//! sendfile, and the readahead that keeps it from waiting for a disk.

use super::run;
use crate::process::{Args, Handle, Job, Wait, pool};
use crate::{atoms, fail};
use esock::op::sendfile::{BYTES, SendFile};
use esock::socket::backend::Backend;
use rustler::{Atom, Encoder, Env, NifResult, Resource, ResourceArc, Term};
use std::os::fd::OwnedFd;

/// `sendfile(Socket, Fd, {Offset, Count}, Tag, Handle, How)`: sends from an open file, given by its number. Answers how
/// many bytes were sent.
#[rustler::nif]
fn sendfile<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    file: i32,
    (offset, count): (i64, u32),
    tag: Term<'a>,
    handle: Term<'a>,
    how: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(env, handle, how)?;
    // A duplicate, because another process may close the file during the call.
    let file = match esock::sys::socket::dup(file) {
        Ok(file) => file,
        Err(errno) => return Ok(fail::posix(env, errno)),
    };
    let mut op = SendFile { file: &file, offset, count: count as usize };
    run(
        env,
        &socket,
        &wait,
        &mut op,
        || tag,
        |_, put, all| Some(if all { (atoms::ok(), put).encode(env) } else { put.encode(env) }),
    )
}

/// `readahead(Fd, {Offset, Count})`: has the system read a part of a file into its cache, readahead(2). It runs on a
/// dirty scheduler, because a disk may be slow. It is separate from `sendfile/6`, which then mostly finds the bytes in
/// memory, and holds the socket for a short time only.
#[rustler::nif(schedule = "DirtyIo")]
fn readahead(env: Env<'_>, file: i32, (offset, count): (i64, u32)) -> Term<'_> {
    if let Ok(file) = esock::sys::socket::dup(file) {
        esock::sys::io::readahead(&file, offset, count as usize);
    }
    atoms::ok().encode(env)
}

/// A file that is sent in parts. The process that opened it may close its own descriptor meanwhile.
pub(crate) struct File {
    fd: OwnedFd,
    /// Its size in bytes when `file/3` was called, if the system says so.
    size: Option<u64>,
}

#[rustler::resource_impl]
impl Resource for File {}

/// `file(Socket, Fd, {Offset, Count})`: reads that part ahead, and answers the file for `sendfile/4`; or `undefined` if
/// the socket does not complete calls.
#[rustler::nif(schedule = "DirtyIo")]
fn file<'a>(env: Env<'a>, socket: ResourceArc<Handle>, fd: i32, (offset, count): (i64, u32)) -> Term<'a> {
    if socket.socket.backend != Backend::Uring {
        return atoms::undefined().encode(env);
    }
    match esock::sys::socket::dup(fd) {
        Ok(file) => {
            esock::sys::io::readahead(&file, offset, count as usize);
            let size = esock::sys::io::file_size(&file);
            ResourceArc::new(File { fd: file, size }).encode(env)
        }
        Err(errno) => fail::posix(env, errno),
    }
}

/// `sendfile(Socket, File, {Offset, Count}, Handle)`: `nowait`, with a file of `file/3`. Answers `{ok, Sent}`.
#[rustler::nif(name = "sendfile")]
fn sendfile_whole<'a>(
    env: Env<'a>,
    socket: ResourceArc<Handle>,
    file: ResourceArc<File>,
    (offset, count): (i64, u64),
    handle: Term<'a>,
) -> NifResult<Term<'a>> {
    let wait = Wait::decode(env, handle, atoms::nowait().encode(env))?;
    // The range ends with the file, so no further attempt is needed to find its end.
    let there = file.size.zip(u64::try_from(offset).ok()).map_or(count, |(size, offset)| size.saturating_sub(offset));
    let span = (offset, count.min(there)).encode(env);
    wait.call(env, &socket, &SENDFILE, [file.encode(env), span, 0.encode(env)])
}

const SENDFILE: Job = Job {
    name: atoms::sendfile,
    call: send_part,
    remaining: Some(advance),
    reads_file: true,
    receives_descriptors: false,
};

/// Sends as much as one attempt takes of `{Offset, Count}`, which is the rest of the range. `before` bytes were sent by
/// earlier attempts.
fn send_part<'a>(
    env: Env<'a>,
    socket: &ResourceArc<Handle>,
    wait: &Wait<'a>,
    [file, span, before]: Args<'a>,
) -> NifResult<Term<'a>> {
    let (file, before): (ResourceArc<File>, u64) = (file.decode()?, before.decode()?);
    let (offset, count): (i64, usize) = span.decode()?;
    if wait.completing.is_some() {
        pool::outside_vm(|| esock::sys::io::readahead(&file.fd, offset, count.min(BYTES)));
    }
    let mut op = SendFile { file: &file.fd, offset, count };
    let tag = || atoms::sendfile().encode(env);
    let answer = run(env, socket, wait, &mut op, tag, |_, put, all| {
        Some(if all { (atoms::ok(), before + put as u64).encode(env) } else { put.encode(env) })
    })?;
    Ok(match answer.decode::<(Atom, Atom)>() {
        Ok((error, reason)) if error == atoms::error() && before > 0 => fail::error(env, (reason, before)),
        _ => answer,
    })
}

/// The arguments for the rest, after `put` bytes.
fn advance<'a>([file, span, before]: Args<'a>, put: Term<'a>) -> Args<'a> {
    let env = put.get_env();
    let left = |(offset, count): (i64, u64), put: u64| (offset.saturating_add_unsigned(put), count.saturating_sub(put));
    match (span.decode(), before.decode::<u64>(), put.decode::<u64>()) {
        (Ok(span), Ok(before), Ok(put)) => [file, left(span, put).encode(env), (before + put).encode(env)],
        _ => [file, span, before],
    }
}
