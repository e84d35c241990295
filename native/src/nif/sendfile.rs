//! sendfile, and the reading ahead that keeps it from waiting for a disk.

use super::{Wait, run};
use crate::handle::Handle;
use crate::{atoms, fail};
use esock::op::sendfile::SendFile;
use rustler::{Encoder, Env, NifResult, ResourceArc, Term};

/// `sendfile(Socket, Fd, {Offset, Count}, Tag, Handle, How)`, of the number of an open file. Answers how many bytes went.
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
    // A duplicate: the file may be closed by others while its bytes go.
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

/// `readahead(Fd, {Offset, Count})`: has the system read a part of a file into its cache. On a dirty scheduler, because a
/// disk may be slow; that is why it is apart from `sendfile/6`, which finds the bytes in memory and holds the socket for
/// a short time only.
#[rustler::nif(schedule = "DirtyIo")]
fn readahead(env: Env<'_>, file: i32, (offset, count): (i64, u32)) -> Term<'_> {
    if let Ok(file) = esock::sys::socket::dup(file) {
        esock::sys::io::readahead(&file, offset, count as usize);
    }
    atoms::ok().encode(env)
}
