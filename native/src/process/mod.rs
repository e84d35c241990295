//! What ties sockets to processes: resources, waiters, messages and completions.

mod close;
mod complete;
pub(crate) mod handle;
pub(crate) mod job;
pub(crate) mod lookup;
mod model;
pub(crate) mod notify;
pub(crate) mod open;
mod place;
pub(crate) mod pool;
pub(crate) mod registry;
mod stored;
mod stored_term;
pub(crate) mod wait;
pub(crate) mod waiter;
mod watch;
mod work;

pub(crate) use model::{Args, Handle, Job, Step, Wait, Waiter, Watch, Watches};
pub(crate) use place::Place;
