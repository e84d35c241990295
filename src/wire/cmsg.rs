//! Encoding and decoding of control messages, cmsg(3).

/// A control message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// SOL_* or IPPROTO_*
    pub level: i32,
    /// the type within that level
    pub kind: i32,
    /// the payload
    pub data: Vec<u8>,
}

/// The size of a `struct cmsghdr` in bytes.
const HEADER: usize = size_of::<libc::cmsghdr>();
/// The alignment of a message in bytes.
const ALIGN: usize = size_of::<usize>();

/// The bytes that a message with a payload of `len` bytes takes, header and padding included: CMSG_SPACE of cmsg(3).
pub fn space(len: usize) -> usize {
    HEADER + len.next_multiple_of(ALIGN)
}

/// The messages in a buffer that the kernel filled. A truncated or malformed message is left out, and ends the list.
pub fn parse(bytes: &[u8]) -> Vec<Message> {
    each(bytes).map(|(level, kind, data)| Message { level, kind, data: data.to_vec() }).collect()
}

/// The same without copying: level, type and payload of each message.
pub fn each(mut bytes: &[u8]) -> impl Iterator<Item = (i32, i32, &[u8])> {
    std::iter::from_fn(move || {
        let (message, len) = first(bytes)?;
        bytes = bytes.get(len.next_multiple_of(ALIGN)..).unwrap_or_default();
        Some(message)
    })
}

/// Level, type and payload of a message.
type Parts<'b> = (i32, i32, &'b [u8]);

/// The first message, and the length in its header.
fn first(bytes: &[u8]) -> Option<(Parts<'_>, usize)> {
    let (len, rest) = bytes.split_first_chunk::<ALIGN>()?;
    let (level, rest) = rest.split_first_chunk::<4>()?;
    let (kind, _) = rest.split_first_chunk::<4>()?;
    let len = usize::from_ne_bytes(*len);
    let data = bytes.get(HEADER..len)?;
    Some(((i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind), data), len))
}

/// The size of the datagrams that the kernel coalesced into one message: the UDP_GRO control message, if there is one.
pub fn gro(messages: &[Message]) -> Option<i32> {
    let size = messages.iter().find(|one| (one.level, one.kind) == (libc::IPPROTO_UDP, libc::UDP_GRO))?;
    size.data.first_chunk().map(|size| i32::from_ne_bytes(*size))
}

/// The control message UDP_SEGMENT: the kernel sends the data as datagrams of `size` bytes.
pub fn segment(size: u16) -> Message {
    Message { level: libc::IPPROTO_UDP, kind: libc::UDP_SEGMENT, data: size.to_ne_bytes().to_vec() }
}

/// Encodes messages for the kernel.
pub fn write(messages: &[Message]) -> Vec<u8> {
    let mut bytes = Vec::new();
    messages.iter().for_each(|message| append(&mut bytes, message));
    bytes
}

/// Appends one message to an encoded buffer.
pub fn append(bytes: &mut Vec<u8>, message: &Message) {
    bytes.extend((HEADER + message.data.len()).to_ne_bytes());
    bytes.extend(message.level.to_ne_bytes());
    bytes.extend(message.kind.to_ne_bytes());
    bytes.extend(&message.data);
    bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
}
