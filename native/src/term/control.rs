//! Control messages as maps, `socket:cmsg_send()` and `socket:cmsg_recv()`.

use super::value;
use crate::{atoms, buffer};
use esock::control::{Message, table};
use rustler::{Atom, Binary, Encoder, Env, Term};

/// `#{level, type, data}`, with `value` where the table knows the type.
pub(crate) fn encode<'a>(env: Env<'a>, message: &Message) -> Option<Term<'a>> {
    let row = table::find(message.level, message.kind);
    let known = row.map_or_else(|| table::TABLE.iter().find(|row| row.number == message.level), Some);
    let atom = |name: &str| Atom::from_bytes(env, name.as_bytes()).ok().map(|atom| atom.encode(env));
    let level = match known {
        Some(row) => atom(row.level)?,
        None => value::protocol(env, 0, message.level),
    };
    let kind = match row {
        Some(row) => atom(row.name)?,
        None => message.kind.encode(env),
    };
    let data = buffer::copy(env, &message.data)?;
    let mut pairs = vec![(atoms::level(), level), (atoms::kind(), kind), (atoms::data(), data)];
    if let Some(read) = row.and_then(|row| row.codec.read(&message.data)) {
        pairs.push((atoms::value(), value::encode(env, &read, 0)?));
    }
    Term::map_from_pairs(env, &pairs).ok()
}

/// What is wrong with a list of messages.
pub(crate) enum Wrong<'a> {
    /// Something.
    Message,
    /// A level of this name is no protocol.
    Level(Term<'a>),
}

/// A list of messages to send.
pub(crate) fn decode<'a>(env: Env<'a>, list: Term<'a>) -> Result<Vec<Message>, Wrong<'a>> {
    let elements = super::list::elements(list).map_err(|_| Wrong::Message)?;
    elements.into_iter().map(|element| message(env, element)).collect()
}

fn message<'a>(env: Env<'a>, term: Term<'a>) -> Result<Message, Wrong<'a>> {
    let get = |key: Atom| term.map_get(key).map_err(|_| Wrong::Message);
    let (level, kind) = (get(atoms::level())?, get(atoms::kind())?);
    let number = match level.decode::<Atom>() {
        Ok(name) => {
            let named = level.atom_to_string().ok().and_then(|level| table::level(&level));
            named.or_else(|| atoms::protocols().number(name)).ok_or(Wrong::Level(level))?
        }
        Err(_) => level.decode().map_err(|_| Wrong::Message)?,
    };
    body(env, number, kind, term).ok_or(Wrong::Message)
}

fn body<'a>(env: Env<'a>, level: i32, kind: Term<'a>, term: Term<'a>) -> Option<Message> {
    let row = match kind.atom_to_string() {
        Ok(name) => Some(table::TABLE.iter().find(|row| row.number == level && row.name == name)?),
        Err(_) => table::find(level, kind.decode().ok()?),
    };
    let kind = row.map_or_else(|| kind.decode().ok(), |row| Some(row.kind))?;
    let data = match (term.map_get(atoms::data()), term.map_get(atoms::value()), row) {
        (Err(_), Ok(value), Some(row)) => row.codec.write(&value::decode(env, row.codec, value)?)?,
        (Ok(data), Err(_), _) => native(data)?,
        _ => return None,
    };
    Some(Message { level, kind, data })
}

/// `socket:native_value()`: an integer or a boolean as an int, a binary (or an I/O list) as it is.
pub(crate) fn native(term: Term<'_>) -> Option<Vec<u8>> {
    if let Ok(bytes) = Binary::from_iolist(term) {
        return Some(bytes.to_vec());
    }
    let number = term.decode::<bool>().map_or_else(|_| term.decode::<i32>(), |on| Ok(i32::from(on)));
    number.ok().map(|number| number.to_ne_bytes().to_vec())
}
