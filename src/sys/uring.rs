//! A ring of io_uring(7): multishot receives into its buffers, their completions, and the return of each buffer to the kernel.

use super::{Result, last};
use crate::wire::errno::Errno;
use io_uring::types::{BufRingEntry, Fd};
use io_uring::{IoUring, cqueue, opcode, squeue};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

/// The number of buffers in a ring, a power of two.
pub const BUFFERS: usize = 256;
/// The size of a buffer in bytes.
pub const BUFFER: usize = 4096;
/// The memory of a ring in bytes: the buffers, and the page that lists them. The two queues take another 80 KB.
pub const MEMORY: usize = LIST + BUFFERS * BUFFER;
/// The size of the list of buffers in bytes: one page.
const LIST: usize = 4096;
/// Entries of the submission queue: requests that one system call submits.
const REQUESTS: u32 = 256;
/// Entries of the completion queue.
const COMPLETIONS: u32 = 4096;
/// The id of the ring's only group of buffers.
const GROUP: u16 = 0;

/// The name (`user_data`) of the wake-up's completions. The table of receives never gets large enough to use it for a receive.
pub const WAKEUP: u64 = u64::MAX;
/// The completion of a cancel has the name of the cancelled request with this bit set. No receive's name has it.
pub const CANCEL: u64 = 1 << 31;

/// A ring. Only the thread that created it may use it.
pub struct Uring {
    // Dropped before `buffers`: the kernel refers to that memory until then.
    ring: IoUring,
    buffers: Buffers,
    /// Completions that were taken out of the completion queue to make room there.
    drained: Vec<Completion>,
}

/// The memory of the buffers. It is never unmapped: a receive that is still in flight may write to it, and a ring lives as
/// long as the program.
struct Buffers {
    memory: NonNull<u8>,
    tail: u16,
}

// SAFETY: nothing else owns the memory.
unsafe impl Send for Buffers {}

/// The operations of a ring. A test replaces the kernel with a script, which does everything that the kernel may do.
pub trait Kernel {
    /// Begins a multishot receive from a stream, with a completion for each buffer that the kernel fills. It goes on until it is
    /// cancelled, fails or meets the end of the stream.
    fn receive(&mut self, fd: RawFd, name: u64) -> Result<()>;
    /// Cancels the request with this name, which then has one last completion.
    fn cancel(&mut self, name: u64) -> Result<()>;
    /// Begins a multishot poll of this eventfd: each write to it completes [`WAKEUP`].
    fn poll_wakeup(&mut self, wakeup: BorrowedFd<'_>) -> Result<()>;
    /// Submits the queued requests and waits for a completion.
    fn wait(&mut self) -> Result<()>;
    /// Moves the available completions to `to`.
    fn completions(&mut self, to: &mut Vec<Completion>);
    /// Calls `use_bytes` with the bytes of a completion, and then gives their buffer back to the kernel.
    fn take<R>(&mut self, completion: &Completion, use_bytes: impl FnOnce(&[u8]) -> R) -> R;
}

/// A completion of a request.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    /// The name of the request, its `user_data`.
    pub name: u64,
    /// The number of bytes received, or an error.
    pub result: Result<usize>,
    /// The request has more completions to come (IORING_CQE_F_MORE).
    pub more: bool,
    /// The buffer that the kernel filled.
    pub buffer: Option<u16>,
}

impl Uring {
    /// A new ring, io_uring_setup(2), with its buffers.
    pub fn new() -> Result<Self> {
        let build = |one_thread: bool| {
            let mut builder = IoUring::builder();
            builder.setup_clamp().setup_cqsize(COMPLETIONS).dontfork();
            if one_thread {
                // The kernel posts completions when this thread asks for them, many at once, and does not interrupt it.
                builder.setup_single_issuer().setup_defer_taskrun();
            }
            builder.build(REQUESTS)
        };
        // Kernels before Linux 6.1 do not know these flags.
        let ring = build(true).or_else(|_| build(false)).map_err(|error| errno(&error))?;
        let mut buffers = Buffers::map()?;
        // SAFETY: the list has that many entries, and its memory is never unmapped.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(buffers.memory.as_ptr() as u64, BUFFERS as u16, GROUP, 0)
        }
        .map_err(|error| errno(&error))?;
        (0..BUFFERS as u16).for_each(|number| buffers.give(number));
        Ok(Self { ring, buffers, drained: Vec::new() })
    }

    fn push(&mut self, entry: squeue::Entry) -> Result<()> {
        loop {
            // SAFETY: an entry refers to numbers, and to the buffers, which are never unmapped.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return Ok(());
            }
            match self.ring.submit() {
                Ok(_) => {}
                // The completion queue is full: the kernel takes no request before there is room in it.
                Err(error) if errno(&error).number() == libc::EBUSY => self.drain(),
                Err(error) if transient(errno(&error)) => {}
                Err(error) => return Err(errno(&error)),
            }
        }
    }

    fn drain(&mut self) {
        self.drained.extend(self.ring.completion().map(|entry| Completion {
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
        match self.ring.submit_and_wait(usize::from(self.drained.is_empty())) {
            Ok(_) => Ok(()),
            Err(error) if transient(errno(&error)) => Ok(()),
            Err(error) => Err(errno(&error)),
        }
    }

    fn completions(&mut self, to: &mut Vec<Completion>) {
        self.drain();
        to.append(&mut self.drained);
    }

    fn take<R>(&mut self, completion: &Completion, use_bytes: impl FnOnce(&[u8]) -> R) -> R {
        let Some(number) = completion.buffer else {
            return use_bytes(&[]);
        };
        let len = completion.result.unwrap_or(0).min(BUFFER);
        // SAFETY: the kernel has filled that much of this buffer, and does not use it until it is given back.
        let result = use_bytes(unsafe { std::slice::from_raw_parts(self.buffers.start(number), len) });
        self.buffers.give(number);
        result
    }
}

/// Whether an error of io_uring_enter(2) is transient: a signal, or completions that have to be taken first.
fn transient(errno: Errno) -> bool {
    matches!(errno.number(), libc::EINTR | libc::EBUSY | libc::EAGAIN | libc::ETIME)
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::new(error.raw_os_error().unwrap_or(libc::EINVAL))
}

impl Buffers {
    fn map() -> Result<Self> {
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: the mapping is new.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), MEMORY, protection, flags, -1, 0) };
        if memory == libc::MAP_FAILED {
            return Err(last());
        }
        let memory = NonNull::new(memory.cast()).ok_or(Errno::new(libc::ENOMEM))?;
        Ok(Self { memory, tail: 0 })
    }

    fn start(&self, number: u16) -> *const u8 {
        // SAFETY: the number is below that of the buffers.
        unsafe { self.memory.as_ptr().add(LIST + (usize::from(number) % BUFFERS) * BUFFER) }
    }

    /// Gives a buffer to the kernel, to receive into.
    fn give(&mut self, number: u16) {
        let index = usize::from(self.tail) % BUFFERS;
        let list = self.memory.as_ptr().cast::<BufRingEntry>();
        let start = self.start(number) as u64;
        // SAFETY: the index is in the list. The kernel reads an entry only when the tail, an aligned number in the first
        // entry, is past it.
        unsafe {
            let entry = &mut *list.add(index);
            entry.set_addr(start);
            entry.set_len(BUFFER as u32);
            entry.set_bid(number);
            self.tail = self.tail.wrapping_add(1);
            AtomicU16::from_ptr(BufRingEntry::tail(list).cast_mut()).store(self.tail, Ordering::Release);
        }
    }
}
