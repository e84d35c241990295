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
    let data = buffer::copy(&message.data)?.release(env).encode(env);
    let mut pairs = vec![(atoms::level(), level), (atoms::kind(), kind), (atoms::data(), data)];
    if let Some(read) = row.and_then(|row| row.codec.read(&message.data)) {
        pairs.push((atoms::value(), value::encode(env, &read, 0)?));
    }
    Term::map_from_pairs(env, &pairs).ok()
}

/// A list of messages to send; or the message that is none.
pub(crate) fn decode<'a>(env: Env<'a>, list: Term<'a>) -> Result<Vec<Message>, Term<'a>> {
    let (mut messages, mut rest) = (Vec::new(), list);
    while let Ok((head, tail)) = rest.list_get_cell() {
        messages.push(message(env, head).ok_or(head)?);
        rest = tail;
    }
    if rest.is_empty_list() { Ok(messages) } else { Err(rest) }
}

fn message<'a>(env: Env<'a>, term: Term<'a>) -> Option<Message> {
    let (level, kind) = (term.map_get(atoms::level()).ok()?, term.map_get(atoms::kind()).ok()?);
    let number = match level.decode::<Atom>() {
        Ok(name) => {
            let named = table::level(&level.atom_to_string().ok()?);
            named.or_else(|| atoms::protocols().number(name))?
        }
        Err(_) => level.decode().ok()?,
    };
    let row = match kind.atom_to_string() {
        Ok(name) => Some(table::TABLE.iter().find(|row| row.number == number && row.name == name)?),
        Err(_) => table::find(number, kind.decode().ok()?),
    };
    let kind = row.map_or_else(|| kind.decode().ok(), |row| Some(row.kind))?;
    let data = match (term.map_get(atoms::data()), term.map_get(atoms::value()), row) {
        (Err(_), Ok(value), Some(row)) => row.codec.write(&value::decode(env, row.codec, value)?)?,
        (Ok(data), Err(_), _) => native(data)?,
        _ => return None,
    };
    Some(Message { level: number, kind, data })
}

/// `socket:native_value()`: an integer or a boolean as an int, a binary (or an I/O list) as it is.
pub(crate) fn native(term: Term<'_>) -> Option<Vec<u8>> {
    if let Ok(bytes) = Binary::from_iolist(term) {
        return Some(bytes.to_vec());
    }
    let number = term.decode::<bool>().map_or_else(|_| term.decode::<i32>(), |on| Ok(i32::from(on)));
    number.ok().map(|number| number.to_ne_bytes().to_vec())
}
