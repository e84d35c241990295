//! Lists, as far as a call looks into them. rustler's own decoding has no bound, and panics at the end of an improper one.

use rustler::{Binary, Error, NifResult, Term};

/// As many elements as a list has that is not of messages or data.
pub(crate) const MOST: usize = 1024;
/// As many cells as an I/O list has that is a value.
pub(crate) const CELLS: usize = 4096;

/// The elements of a proper list of at most `most`; `badarg` for anything else.
pub(crate) fn elements(list: Term<'_>, most: usize) -> NifResult<Vec<Term<'_>>> {
    let (mut elements, mut rest) = (Vec::new(), list);
    // At most `most`.
    while let Ok((head, tail)) = rest.list_get_cell() {
        if elements.len() == most {
            return Err(Error::BadArg);
        }
        elements.push(head);
        rest = tail;
    }
    if rest.is_empty_list() { Ok(elements) } else { Err(Error::BadArg) }
}

/// The bytes of an I/O list of at most `size`, with at most `cells`, of which as many are used up.
pub(crate) fn bytes<'a>(term: Term<'a>, size: usize, cells: &mut usize) -> Option<Binary<'a>> {
    let (mut room, mut left) = (size, vec![term]);
    while let Some(term) = left.pop() {
        // At most as many as there are cells.
        if let Ok((head, tail)) = term.list_get_cell() {
            *cells = cells.checked_sub(1)?;
            left.extend([tail, head]);
        } else if !term.is_empty_list() {
            room = room.checked_sub(term.decode::<Binary<'_>>().map_or(1, |binary| binary.len()))?;
        }
    }
    // At most what has just been counted, but for the end of each list.
    Binary::from_iolist(term).ok()
}
