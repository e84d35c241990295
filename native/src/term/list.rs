//! Lists, decoded up to a bound. rustler's own decoding has no bound, and panics at the end of an improper list.

use rustler::{Binary, Error, NifResult, Term};

/// The most elements of a list that holds neither messages nor data.
pub(crate) const MOST: usize = 1024;
/// The most cells of an I/O list that is a value.
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

/// The bytes of an I/O list of at most `size` bytes and `cells` cells. The cells that it has are subtracted from
/// `cells`.
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
    // At most what has just been counted, apart from the ends of lists.
    Binary::from_iolist(term).ok()
}

/// The characters of a string of at most `most`.
pub(crate) fn text(term: Term<'_>, most: usize) -> Option<Vec<u8>> {
    let characters = elements(term, most).ok()?;
    characters.into_iter().map(|code| u8::try_from(code.decode::<i64>().ok()?).ok()).collect()
}
