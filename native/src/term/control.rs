//! Control messages to send, `socket:cmsg_send()`, and native values, `socket:native_value()`.

use super::{list, value};
use crate::atoms;
use esock::table::control as table;
use esock::table::control::Row;
use esock::wire::cmsg as control;
use esock::wire::cmsg::Message;
use rustler::{Atom, Binary, Env, Term};
use std::borrow::Cow;

/// Why a list of messages is invalid.
pub(crate) enum Invalid<'a> {
    /// A message, or the list.
    Message,
    /// The level of a message is an atom that names no protocol.
    Level(Term<'a>),
}

/// The index of an interface by its name, in the network namespace of the socket; `None` if there is none.
pub(crate) type Index<'i> = &'i dyn Fn(&[u8]) -> Option<i32>;

/// The most bytes that the system takes by default: optmem_max of Linux 6.9.
const ROOM: usize = 128 * 1024;

/// The bytes of a list of messages to send, at most `room`, and their cost. A cell of an I/O list costs one.
pub(crate) fn decode<'a>(
    env: Env<'a>,
    list: Term<'a>,
    room: usize,
    index: Index<'_>,
) -> Result<(Vec<u8>, usize), Invalid<'a>> {
    let (mut bytes, mut rest, mut cells, room) = (Vec::new(), list, list::CELLS, room.min(ROOM));
    // At most as many as fit in `room`, and in the number of cells.
    while let Ok((element, tail)) = rest.list_get_cell() {
        let message = message(env, element, room.saturating_sub(bytes.len()), &mut cells, index)?;
        cells = cells.checked_sub(MESSAGE).ok_or(Invalid::Message)?;
        control::append(&mut bytes, &message);
        if bytes.len() > room {
            return Err(Invalid::Message);
        }
        rest = tail;
    }
    let cost = list::CELLS - cells + bytes.len() / 32;
    if rest.is_empty_list() { Ok((bytes, cost)) } else { Err(Invalid::Message) }
}

/// The cells that each message counts for: there are at most 1,024 messages.
const MESSAGE: usize = list::CELLS / 1024;

fn message<'a>(
    env: Env<'a>,
    term: Term<'a>,
    room: usize,
    cells: &mut usize,
    index: Index<'_>,
) -> Result<Message, Invalid<'a>> {
    let get = |key: Atom| term.map_get(key).map_err(|_| Invalid::Message);
    let (level, kind) = (get(atoms::level())?, get(atoms::kind())?);
    let number = match level.decode::<Atom>() {
        Ok(name) => {
            let named = level.atom_to_string().ok().and_then(|level| table::level(&level));
            named.or_else(|| atoms::protocols().number(name)).ok_or(Invalid::Level(level))?
        }
        Err(_) => level.decode().map_err(|_| Invalid::Message)?,
    };
    let (kind, row) = known(number, kind).ok_or(Invalid::Message)?;
    let data = body(env, row, term, room, cells, index).ok_or(Invalid::Message)?;
    Ok(Message { level: number, kind, data })
}

/// The number of a type at that level, and its row if the table has one.
fn known(level: i32, kind: Term<'_>) -> Option<(i32, Option<&'static Row>)> {
    match kind.atom_to_string() {
        Ok(name) => {
            table::TABLE.iter().find(|row| row.number == level && row.name == name).map(|row| (row.kind, Some(row)))
        }
        Err(_) => kind.decode().ok().map(|kind| (kind, table::find(level, kind))),
    }
}

fn body<'a>(
    env: Env<'a>,
    row: Option<&Row>,
    term: Term<'a>,
    room: usize,
    cells: &mut usize,
    index: Index<'_>,
) -> Option<Vec<u8>> {
    match (term.map_get(atoms::data()), term.map_get(atoms::value()), row) {
        (Err(_), Ok(value), Some(row)) => {
            let value = value::decode(env, row.codec, value)?.resolved(&|name| index(name).ok_or(())).ok()?;
            let data = row.codec.write(&value)?;
            // Two numbers of a list count as one cell.
            *cells = cells.checked_sub(data.len() / 8)?;
            Some(data)
        }
        // A message as it is received has both, and they must agree.
        (Ok(data), Ok(value), Some(row)) => {
            let bytes = native(data, room, cells)?;
            let read = value::encode(env, &row.codec.read(&bytes)?, 0)?;
            // At most `room`.
            (read == value).then(|| bytes.to_vec())
        }
        // At most `room`.
        (Ok(data), Err(_), _) => native(data, room, cells).map(|data| data.to_vec()),
        _ => None,
    }
}

/// `socket:native_value()`: an integer or a boolean as an int, a binary or an I/O list as its bytes. A binary has at
/// most `size` bytes; an I/O list has at most `size` bytes and `cells` cells.
pub(crate) fn native<'a>(term: Term<'a>, size: usize, cells: &mut usize) -> Option<Cow<'a, [u8]>> {
    if let Ok(bytes) = term.decode::<Binary<'a>>() {
        return (bytes.len() <= size).then(|| Cow::Borrowed(bytes.as_slice()));
    }
    if term.is_list() || term.is_empty_list() {
        return list::bytes(term, size, cells).map(|bytes| Cow::Borrowed(bytes.as_slice()));
    }
    let number = term.decode::<bool>().map_or_else(|_| term.decode::<i32>(), |on| Ok(i32::from(on)));
    number.ok().map(|number| Cow::Owned(Vec::from(number.to_ne_bytes())))
}
