//! The rings of the operating-system process: one beside each poller.

use super::thread::Ring;
use crate::{poller, sys};
use std::sync::{Arc, OnceLock};

static RINGS: OnceLock<sys::Result<Vec<Arc<Ring>>>> = OnceLock::new();

/// Starts the rings, one for each poller, unless they run already. The first socket that needs one calls this. If the system
/// refuses a ring, this and every later call answer that error.
pub fn start() -> sys::Result<&'static [Arc<Ring>]> {
    let started = RINGS.get_or_init(|| {
        let mut rings = Vec::new();
        for (index, poller) in poller::pool::all().enumerate() {
            match Ring::start(index, Arc::clone(&poller.traffic)) {
                Ok(ring) => rings.push(ring),
                Err(errno) => {
                    rings.iter().for_each(|ring: &Arc<Ring>| ring.stop_thread());
                    return Err(errno);
                }
            }
        }
        sys::exit::at_exit(stop_all);
        Ok(rings)
    });
    started.as_deref().map_err(|errno| *errno)
}

/// How many rings run, or why the system refused them. `None`: no socket has needed one.
pub fn started() -> Option<sys::Result<usize>> {
    RINGS.get().map(|rings| rings.as_ref().map(Vec::len).map_err(|errno| *errno))
}

/// The ring of a descriptor: its number modulo the number of rings. Starts the rings if necessary; `None`: there are none.
pub fn of(fd: i32) -> Option<&'static Arc<Ring>> {
    let rings = start().ok()?;
    rings.get(usize::try_from(fd).ok()?.checked_rem(rings.len())?)
}

extern "C" fn stop_all() {
    for ring in RINGS.get().into_iter().flatten().flatten() {
        ring.stop_thread();
    }
}
