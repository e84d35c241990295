//! A ring of io_uring(7) that receives: multishot receives into buffers that the kernel picks, and their completions.

use super::{Result, last};
use crate::wire::errno::Errno;
use io_uring::types::{BufRingEntry, Fd};
use io_uring::{IoUring, cqueue, opcode, squeue};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// How many buffers a ring has, a power of two.
pub const BUFFERS: usize = 256;
/// How many bytes a buffer has.
pub const BUFFER: usize = 4096;
/// The memory of a ring: the buffers, and the page that lists them. The queues are 80 KB besides.
pub const MEMORY: usize = LIST + BUFFERS * BUFFER;
/// The list of the buffers.
const LIST: usize = 4096;
/// Requests that are handed over with one system call, and completions that have room.
const REQUESTS: u32 = 256;
const COMPLETIONS: u32 = 4096;
/// The name of the ring's one group of buffers.
const GROUP: u16 = 0;

/// Names of completions that are no receive's. No table of receives gets so large.
pub const WAKEUP: u64 = u64::MAX;
/// The completion of a cancel: this bit, in the name of what is to end. No name has it.
pub const CANCEL: u64 = 1 << 31;

/// A ring. Only the thread that made it uses it.
pub struct Uring {
    // Dropped before the memory, which the kernel knows until then.
    ring: IoUring,
    buffers: Buffers,
    /// Completions that were taken out to make room.
    early: Vec<Completion>,
}

/// The buffers' memory. It is never given back: a receive that the kernel has not ended yet may write to it, and a ring
/// lives as long as the program.
struct Buffers {
    memory: NonNull<u8>,
    tail: u16,
}

// SAFETY: the memory is this one's alone.
unsafe impl Send for Buffers {}

/// What the kernel is asked for. Tests put something else in its place, which does all that it may do.
pub trait Kernel {
    /// Receives from a stream until told otherwise: a completion for each buffer that is filled.
    fn receive(&mut self, fd: RawFd, name: u64) -> Result<()>;
    /// Ends what has this name. Its last completion comes by itself.
    fn cancel(&mut self, name: u64) -> Result<()>;
    /// Completes [`WAKEUP`] whenever somebody writes to this eventfd.
    fn poll_wakeup(&mut self, wakeup: BorrowedFd<'_>) -> Result<()>;
    /// Hands over the requests and waits for a completion.
    fn wait(&mut self) -> Result<()>;
    /// Adds the completions that are there.
    fn completions(&mut self, to: &mut Vec<Completion>);
    /// The bytes that came with a completion, whose buffer is not to be used any more when `use_them` has been called.
    fn take<R>(&mut self, completion: &Completion, use_them: impl FnOnce(&[u8]) -> R) -> R;
}

/// What the kernel says of a request.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// The name that the request was given.
    pub name: u64,
    /// Bytes received, or why there are none.
    pub result: Result<usize>,
    /// There will be others of this name.
    pub more: bool,
    /// The buffer that was filled.
    pub buffer: Option<u16>,
}

impl Uring {
    /// A new ring, io_uring_setup(2), with its buffers.
    pub fn new() -> Result<Self> {
        let build = |one_thread: bool| {
            let mut builder = IoUring::builder();
            builder.setup_clamp().setup_cqsize(COMPLETIONS).dontfork();
            if one_thread {
                // Completions are made when this thread asks for them, together; not by interrupting it.
                builder.setup_single_issuer().setup_defer_taskrun();
            }
            builder.build(REQUESTS)
        };
        // Before Linux 6.1 the kernel does not know the flags.
        let ring = build(true).or_else(|_| build(false)).map_err(|error| errno(&error))?;
        let mut buffers = Buffers::map()?;
        // SAFETY: the list is as long as this says, and stays.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(buffers.memory.as_ptr() as u64, BUFFERS as u16, GROUP, 0)
        }
        .map_err(|error| errno(&error))?;
        (0..BUFFERS as u16).for_each(|number| buffers.give(number));
        Ok(Self { ring, buffers, early: Vec::new() })
    }

    fn push(&mut self, entry: squeue::Entry) -> Result<()> {
        loop {
            // SAFETY: nothing that an entry refers to has an end: numbers, and the buffers, which stay.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return Ok(());
            }
            match self.ring.submit() {
                Ok(_) => {}
                // More than the queue of completions holds: the kernel takes nothing before there is room again.
                Err(error) if errno(&error).number() == libc::EBUSY => self.gather(),
                Err(error) if passing(errno(&error)) => {}
                Err(error) => return Err(errno(&error)),
            }
        }
    }

    fn gather(&mut self) {
        self.early.extend(self.ring.completion().map(|entry| Completion {
            name: entry.user_data(),
            result: usize::try_from(entry.result()).map_err(|_| Errno::new(-entry.result())),
            more: cqueue::more(entry.flags()),
            buffer: cqueue::buffer_select(entry.flags()),
        }));
    }
}

impl Kernel for Uring {
    fn receive(&mut self, fd: RawFd, name: u64) -> Result<()> {
        self.push(opcode::RecvMulti::new(Fd(fd), GROUP).build().user_data(name))
    }

    fn cancel(&mut self, name: u64) -> Result<()> {
        self.push(opcode::AsyncCancel::new(name).build().user_data(name | CANCEL))
    }

    fn poll_wakeup(&mut self, wakeup: BorrowedFd<'_>) -> Result<()> {
        let poll = opcode::PollAdd::new(Fd(wakeup.as_raw_fd()), libc::POLLIN as u32).multi(true);
        self.push(poll.build().user_data(WAKEUP))
    }

    fn wait(&mut self) -> Result<()> {
        match self.ring.submit_and_wait(usize::from(self.early.is_empty())) {
            Ok(_) => Ok(()),
            Err(error) if passing(errno(&error)) => Ok(()),
            Err(error) => Err(errno(&error)),
        }
    }

    fn completions(&mut self, to: &mut Vec<Completion>) {
        self.gather();
        to.append(&mut self.early);
    }

    fn take<R>(&mut self, completion: &Completion, use_them: impl FnOnce(&[u8]) -> R) -> R {
        let Some(number) = completion.buffer else {
            return use_them(&[]);
        };
        let len = completion.result.unwrap_or(0).min(BUFFER);
        // SAFETY: the kernel has filled so much of this buffer, and leaves it alone until it is given back.
        let result = use_them(unsafe { std::slice::from_raw_parts(self.buffers.start(number), len) });
        self.buffers.give(number);
        result
    }
}

/// An answer of io_uring_enter(2) after which all goes on: a signal, or completions that have to be read first.
fn passing(errno: Errno) -> bool {
    matches!(errno.number(), libc::EINTR | libc::EBUSY | libc::EAGAIN | libc::ETIME)
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EINVAL))
}

impl Buffers {
    fn map() -> Result<Self> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: new memory.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), MEMORY, protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(last());
        }
        let memory = NonNull::new(memory.cast()).ok_or(Errno::new(libc::ENOMEM))?;
        Ok(Self { memory, tail: 0 })
    }

    fn start(&self, number: u16) -> *const u8 {
        // SAFETY: there are so many buffers.
        unsafe { self.memory.as_ptr().add(LIST + (usize::from(number) % BUFFERS) * BUFFER) }
    }

    /// Gives a buffer to the kernel.
    fn give(&mut self, number: u16) {
        let place = usize::from(self.tail) % BUFFERS;
        let list = self.memory.as_ptr().cast::<BufRingEntry>();
        let start = self.start(number) as u64;
        // SAFETY: the place is in the list, and the kernel reads it when the tail, an aligned number in the first entry,
        // is past it.
        unsafe {
            let entry = &mut *list.add(place);
            entry.set_addr(start);
            entry.set_len(BUFFER as u32);
            entry.set_bid(number);
            self.tail = self.tail.wrapping_add(1);
            AtomicU16::from_ptr(BufRingEntry::tail(list).cast_mut()).store(self.tail, Ordering::Release);
        }
    }
}
