//! Control messages, cmsg(3): their bytes.

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SOL_* or IPPROTO_*
    pub level: i32,
    /// its type at that level
    pub kind: i32,
    /// what it carries
    pub data: Vec<u8>,
}

/// The size of a `struct cmsghdr`.
const HEADER: usize = size_of::<libc::cmsghdr>();
/// What a message is aligned to.
const ALIGN: usize = size_of::<usize>();

/// The room that a message with so many bytes takes, CMSG_SPACE of cmsg(3).
pub fn space(len: usize) -> usize {
    HEADER + len.next_multiple_of(ALIGN)
}

/// The messages in a buffer that the system has filled. One that was cut is left out.
pub fn parse(bytes: &[u8]) -> Vec<Message> {
    each(bytes).map(|(level, kind, data)| Message { level, kind, data: data.to_vec() }).collect()
}

/// The same: level, type and data of each.
pub fn each(mut bytes: &[u8]) -> impl Iterator<Item = (i32, i32, &[u8])> {
    std::iter::from_fn(move || {
        let (message, len) = first(bytes)?;
        bytes = bytes.get(len.next_multiple_of(ALIGN)..).unwrap_or_default();
        Some(message)
    })
}

/// Level, type and data of a message.
type Parts<'b> = (i32, i32, &'b [u8]);

/// The first message, and the length that its header names.
fn first(bytes: &[u8]) -> Option<(Parts<'_>, usize)> {
    let (len, rest) = bytes.split_first_chunk::<ALIGN>()?;
    let (level, rest) = rest.split_first_chunk::<4>()?;
    let (kind, _) = rest.split_first_chunk::<4>()?;
    let len = usize::from_ne_bytes(*len);
    let data = bytes.get(HEADER..len)?;
    Some(((i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind), data), len))
}

/// The size of the datagrams that were received as one message, where UDP_GRO says so.
pub fn gro(messages: &[Message]) -> Option<i32> {
    let said = messages.iter().find(|one| (one.level, one.kind) == (libc::IPPROTO_UDP, libc::UDP_GRO))?;
    said.data.first_chunk().map(|size| i32::from_ne_bytes(*size))
}

/// The request that a message's data goes as datagrams of so many bytes, UDP_SEGMENT.
pub fn segment(size: u16) -> Message {
    Message { level: libc::IPPROTO_UDP, kind: libc::UDP_SEGMENT, data: size.to_ne_bytes().to_vec() }
}

/// The buffer for the system.
pub fn write(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    messages.iter().for_each(|message| append(&mut bytes, message));
    bytes
}

/// One more message in it.
pub fn append(bytes: &mut Vec<u8>, message: &Message) {
    bytes.extend((HEADER + message.data.len()).to_ne_bytes());
    bytes.extend(message.level.to_ne_bytes());
    bytes.extend(message.kind.to_ne_bytes());
    bytes.extend(&message.data);
    bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
}
