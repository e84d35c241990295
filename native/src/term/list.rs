//! Lists. rustler's own decoding into a vector panics at the end of an improper one.

use rustler::{Error, NifResult, Term};

/// The elements of a proper list; `badarg` for anything else.
pub(crate) fn elements(list: Term<'_>) -> NifResult<Vec<Term<'_>>> {
    let (mut elements, mut rest) = (Vec::new(), list);
    while let Ok((head, tail)) = rest.list_get_cell() {
        elements.push(head);
        rest = tail;
    }
    if rest.is_empty_list() { Ok(elements) } else { Err(Error::BadArg) }
}
