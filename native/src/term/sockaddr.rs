//! Socket addresses of every family as maps: those with a row in the table of families by their fields.

use super::{address, value};
use crate::{atoms, fail};
use esock::table::family::{self, Form, Row};
use esock::wire::addr::{Address, Raw};
use esock::wire::codec::Codec;
use esock::wire::value::Value;
use rustler::{Atom, Encoder, Env, NifResult, Term};

/// An address for the system; or the answer `{error, {invalid, {sockaddr, ...}}}`. Raises `{invalid, {sockaddr, Term}}`
/// if the term is no map.
pub(crate) fn decode<'a>(env: Env<'a>, term: Term<'a>) -> NifResult<Result<Raw, Term<'a>>> {
    if !term.is_map() {
        let what = (atoms::invalid(), (atoms::sockaddr(), term)).encode(env);
        return Err(fail::raised(what));
    }
    let Ok(family) = term.map_get(atoms::family()) else {
        return Ok(Err(fail::invalid(env, (atoms::sockaddr(), atoms::family(), term))));
    };
    let row = family.decode::<Atom>().ok().and_then(|name| atoms::domains().number(name)).and_then(family::find);
    match row {
        Some(row) => Ok(fields(env, row, term)),
        None => address::decode(env, family, term),
    }
}

/// An address of a family with a row. An error names the key whose value is wrong.
fn fields<'a>(env: Env<'a>, row: &Row, term: Term<'a>) -> Result<Raw, Term<'a>> {
    let key = |name: &str| Atom::from_bytes(env, name.as_bytes()).ok();
    let get = |name: &str| term.map_get(key(name)?).ok();
    let wrong = |name: &str| fail::invalid(env, (atoms::sockaddr(), key(name), term));
    let named = |name: &str| get(name)?.atom_to_string().ok();
    let Some(form) = row.form(named) else {
        let tag = row.forms.first().and_then(|form| form.tag.key()).map_or("family", |(key, _)| key);
        return Err(wrong(tag));
    };
    address::only(env, &keys(form, key), term)?;
    let mut values = Vec::new();
    for field in form.layout.fields {
        if let Some(term) = get(field.name) {
            let value = match field.codec {
                // In the node's namespace: there may be no socket.
                Codec::Ifindex => address::interface(Some(term)).map(|index| Value::Int(i64::from(index))),
                codec => value::decode(env, codec, term),
            };
            let value = value.filter(|value| field.codec.write(value).is_some());
            values.push((field.name, value.ok_or_else(|| wrong(field.name))?));
        } else if !field.optional {
            return Err(wrong(field.name));
        }
    }
    let bytes = form.write(&Value::Map(values)).and_then(|bytes| {
        let number = u16::try_from(row.number).ok()?;
        Address::Other(number, bytes).to_raw()
    });
    bytes.ok_or_else(|| fail::invalid(env, (atoms::sockaddr(), term)))
}

/// The keys that the map of an address of this form may have.
fn keys(form: &Form, key: impl Fn(&str) -> Option<Atom>) -> Vec<Atom> {
    let names = form.layout.fields.iter().map(|field| field.name).chain(form.tag.key().map(|(key, _)| key));
    names.filter_map(key).chain([atoms::family()]).collect()
}

/// The map of an address of a socket with this protocol; `None` if there is no memory for it.
pub(crate) fn encode<'a>(env: Env<'a>, address: &Address, protocol: i32) -> Option<Term<'a>> {
    let Address::Other(number, bytes) = address else {
        return address::encode(env, address);
    };
    let row = family::find(i32::from(*number));
    let Some(fields) = row.and_then(|row| row.read(bytes, protocol)) else {
        return address::encode(env, address);
    };
    let map = value::encode(env, &Value::Map(fields), i32::from(*number))?;
    let family = atoms::domains().atom(i32::from(*number)).map_or_else(|| number.encode(env), |name| name.encode(env));
    map.map_put(atoms::family(), family).ok()
}
