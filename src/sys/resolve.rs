//! Names, services and addresses by libc: getaddrinfo(3), getnameinfo(3), gethostbyname(3), getservbyname(3). These calls block.

use super::{Result, check, last};
use crate::wire::addr::Raw;
use crate::wire::errno::Errno;
use libc::{c_char, c_int, hostent, servent, size_t, socklen_t};
use std::ffi::{CStr, CString};
use std::mem::{MaybeUninit, zeroed};
use std::net::IpAddr;
use std::ptr::{null, null_mut};

/// The room for the first try of a call that takes a buffer, in bytes; and the most that it is given.
const BUFFER: (usize, usize) = (2048, 1 << 20);
/// NI_MAXHOST and NI_MAXSERV of netdb.h.
const NAMES: (usize, usize) = (1025, 32);
/// HOST_NAME_MAX, and the NUL.
const HOST_NAME: usize = 65;

/// Why a lookup has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// EAI_*
    Code(i32),
    /// EAI_SYSTEM, or a system call
    System(Errno),
    /// There is no such service.
    Absent,
}

/// What getaddrinfo(3) is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    /// AI_*
    pub flags: i32,
    /// AF_*
    pub family: i32,
    /// SOCK_*
    pub kind: i32,
    /// IPPROTO_*
    pub protocol: i32,
}

/// An element of the list of getaddrinfo(3).
pub struct Found {
    /// its hints: the family, the type and the protocol of a socket for the address
    pub hints: Hints,
    /// the address
    pub addr: Raw,
    /// the canonical name, of the first element if it was asked for
    pub canonname: Option<Vec<u8>>,
}

/// A `struct hostent` or `struct servent`.
pub struct Entry {
    /// its name
    pub name: Vec<u8>,
    /// other names
    pub aliases: Vec<Vec<u8>>,
    /// the addresses of a host, as bytes
    pub addrs: Vec<Vec<u8>>,
    /// the port of a service, in host byte order
    pub port: u16,
    /// the protocol of a service
    pub protocol: Vec<u8>,
}

/// A lookup.
pub enum Query {
    /// getaddrinfo(3)
    Addresses(Option<CString>, Option<CString>, Option<Hints>),
    /// getnameinfo(3), with NI_*
    Names(Raw, i32),
    /// gethostbyname2(3), with AF_*
    Host(CString, i32),
    /// gethostbyaddr(3), with AF_*
    HostOf(Vec<u8>, i32),
    /// getservbyname(3)
    Service(CString, Option<CString>),
    /// getservbyport(3)
    ServiceOf(u16, Option<CString>),
}

/// The result of a lookup.
pub enum Answer {
    /// of [`Query::Addresses`]
    Addresses(Vec<Found>),
    /// of [`Query::Names`]: host and service
    Names(Vec<u8>, Vec<u8>),
    /// of [`Query::Host`] and [`Query::HostOf`]
    Host(Entry),
    /// of [`Query::Service`] and [`Query::ServiceOf`]
    Service(Entry),
}

unsafe extern "C" {
    fn gethostbyname2_r(
        name: *const c_char,
        family: c_int,
        entry: *mut hostent,
        buffer: *mut c_char,
        len: size_t,
        result: *mut *mut hostent,
        error: *mut c_int,
    ) -> c_int;
    fn gethostbyaddr_r(
        addr: *const libc::c_void,
        addr_len: socklen_t,
        family: c_int,
        entry: *mut hostent,
        buffer: *mut c_char,
        len: size_t,
        result: *mut *mut hostent,
        error: *mut c_int,
    ) -> c_int;
    fn getservbyname_r(
        name: *const c_char,
        protocol: *const c_char,
        entry: *mut servent,
        buffer: *mut c_char,
        len: size_t,
        result: *mut *mut servent,
    ) -> c_int;
    fn getservbyport_r(
        port: c_int,
        protocol: *const c_char,
        entry: *mut servent,
        buffer: *mut c_char,
        len: size_t,
        result: *mut *mut servent,
    ) -> c_int;
}

impl Query {
    /// Whether libc asks no server for it: it is about numbers, or about services(5).
    pub fn asks_no_server(&self) -> bool {
        let is_number = |host: &CString| host.to_str().is_ok_and(|host| host.parse::<IpAddr>().is_ok());
        match self {
            Self::Addresses(host, _, hints) => {
                host.as_ref().is_none_or(is_number)
                    || hints.is_some_and(|hints| hints.flags & libc::AI_NUMERICHOST != 0)
            }
            Self::Names(_, flags) => flags & libc::NI_NUMERICHOST != 0,
            Self::Service(..) | Self::ServiceOf(..) => true,
            Self::Host(..) | Self::HostOf(..) => false,
        }
    }

    /// Asks libc, and blocks until it answers.
    pub fn ask(&self) -> std::result::Result<Answer, Fault> {
        match self {
            Self::Addresses(host, service, hints) => {
                addresses(host.as_deref(), service.as_deref(), *hints).map(Answer::Addresses)
            }
            Self::Names(addr, flags) => names(addr, *flags).map(|(host, service)| Answer::Names(host, service)),
            Self::Host(name, family) => host(|entry, buffer, result, error| {
                // SAFETY: the name ends with a NUL; all other pointers are those of `host`.
                unsafe {
                    gethostbyname2_r(name.as_ptr(), *family, entry, buffer.as_mut_ptr(), buffer.len(), result, error)
                }
            }),
            Self::HostOf(addr, family) => host(|entry, buffer, result, error| {
                let (room, len) = (buffer.as_mut_ptr(), buffer.len());
                // SAFETY: pointer and length of the address are those of a vector; all other pointers are those of `host`.
                unsafe {
                    let from = addr.as_ptr().cast();
                    gethostbyaddr_r(from, addr.len() as socklen_t, *family, entry, room, len, result, error)
                }
            }),
            Self::Service(name, protocol) => service(|entry, buffer, result| {
                let (room, len) = (buffer.as_mut_ptr(), buffer.len());
                // SAFETY: both names end with a NUL, or there is none; all other pointers are those of `service`.
                unsafe { getservbyname_r(name.as_ptr(), pointer(protocol.as_deref()), entry, room, len, result) }
            }),
            Self::ServiceOf(port, protocol) => service(|entry, buffer, result| {
                let (room, len) = (buffer.as_mut_ptr(), buffer.len());
                let port = c_int::from(port.to_be());
                // SAFETY: the name ends with a NUL, or there is none; all other pointers are those of `service`.
                unsafe { getservbyport_r(port, pointer(protocol.as_deref()), entry, room, len, result) }
            }),
        }
    }
}

fn pointer(text: Option<&CStr>) -> *const c_char {
    text.map_or(null(), CStr::as_ptr)
}

/// The fault of a code EAI_*; `errno` is that of the call.
fn fault(code: i32) -> Fault {
    if code == libc::EAI_SYSTEM { Fault::System(last()) } else { Fault::Code(code) }
}

fn addresses(
    host: Option<&CStr>,
    service: Option<&CStr>,
    hints: Option<Hints>,
) -> std::result::Result<Vec<Found>, Fault> {
    // SAFETY: all zeros are a valid `addrinfo`: numbers, and pointers to nothing.
    let mut wanted: libc::addrinfo = unsafe { zeroed() };
    if let Some(hints) = hints {
        (wanted.ai_flags, wanted.ai_family) = (hints.flags, hints.family);
        (wanted.ai_socktype, wanted.ai_protocol) = (hints.kind, hints.protocol);
    }
    let wanted = if hints.is_some() { &raw const wanted } else { null() };
    let mut list = null_mut();
    // SAFETY: texts end with a NUL, or there are none; the call fills `list` if it answers 0.
    let code = unsafe { libc::getaddrinfo(pointer(host), pointer(service), wanted, &raw mut list) };
    if code != 0 {
        return Err(fault(code));
    }
    let (mut found, mut next) = (Vec::new(), list);
    // SAFETY: a list of libc's: each pointer is null or valid until the list is freed.
    unsafe {
        while let Some(info) = next.as_ref() {
            found.extend(element(info));
            next = info.ai_next;
        }
        libc::freeaddrinfo(list);
    }
    Ok(found)
}

fn element(info: &libc::addrinfo) -> Option<Found> {
    if info.ai_addr.is_null() {
        return None;
    }
    // SAFETY: libc gives the pointer and the length of an address.
    let bytes = unsafe { std::slice::from_raw_parts(info.ai_addr.cast::<u8>(), info.ai_addrlen as usize) };
    let hints = Hints { flags: 0, family: info.ai_family, kind: info.ai_socktype, protocol: info.ai_protocol };
    Some(Found { hints, addr: Raw::new(bytes)?, canonname: text(info.ai_canonname) })
}

/// A copy of a text of libc's; `None` if there is none.
fn text(from: *const c_char) -> Option<Vec<u8>> {
    // SAFETY: libc's texts end with a NUL, and live until the caller frees or reuses them.
    (!from.is_null()).then(|| unsafe { CStr::from_ptr(from) }.to_bytes().to_vec())
}

fn names(addr: &Raw, flags: i32) -> std::result::Result<(Vec<u8>, Vec<u8>), Fault> {
    let bytes = addr.as_bytes();
    let (mut host, mut service) = ([0; NAMES.0], [0; NAMES.1]);
    // SAFETY: pointers and lengths are those of the address and of local arrays.
    let code = unsafe {
        libc::getnameinfo(
            addr.padded().as_ptr().cast(),
            bytes.len() as socklen_t,
            host.as_mut_ptr(),
            NAMES.0 as socklen_t,
            service.as_mut_ptr(),
            NAMES.1 as socklen_t,
            flags,
        )
    };
    if code != 0 {
        return Err(fault(code));
    }
    Ok((text(host.as_ptr()).unwrap_or_default(), text(service.as_ptr()).unwrap_or_default()))
}

/// Calls with a larger buffer until it is large enough.
fn buffered<T>(mut call: impl FnMut(&mut [c_char]) -> (c_int, T)) -> std::result::Result<T, Fault> {
    let mut len = BUFFER.0;
    loop {
        let mut buffer = vec![0; len];
        match call(&mut buffer) {
            (libc::ERANGE, _) if len < BUFFER.1 => len *= 2,
            (libc::ERANGE, _) => return Err(Fault::System(Errno::new(libc::ENOMEM))),
            (_, answer) => return Ok(answer),
        }
    }
}

fn host(
    mut call: impl FnMut(*mut hostent, &mut [c_char], *mut *mut hostent, *mut c_int) -> c_int,
) -> std::result::Result<Answer, Fault> {
    buffered(|buffer| {
        let (mut entry, mut result, mut error) = (MaybeUninit::uninit(), null_mut(), 0);
        let code = call(entry.as_mut_ptr(), buffer, &raw mut result, &raw mut error);
        // SAFETY: `result` is null, or points to the entry, whose texts are in the buffer.
        match unsafe { result.as_ref() } {
            Some(entry) if code == 0 => (0, Ok(Answer::Host(host_entry(entry)))),
            _ => (if code == libc::ERANGE { code } else { 0 }, Err(host_fault(code, error))),
        }
    })?
}

/// The fault of an `h_errno` of netdb.h.
fn host_fault(code: c_int, error: c_int) -> Fault {
    match error {
        1 => Fault::Code(libc::EAI_NONAME),
        2 => Fault::Code(libc::EAI_AGAIN),
        3 => Fault::Code(libc::EAI_FAIL),
        4 => Fault::Code(libc::EAI_NODATA),
        _ if code > 0 => Fault::System(Errno::new(code)),
        _ => Fault::Code(libc::EAI_NONAME),
    }
}

fn host_entry(entry: &hostent) -> Entry {
    let len = usize::try_from(entry.h_length).unwrap_or_default();
    // SAFETY: each address of the list has `h_length` bytes.
    let addr = |at: *mut c_char| unsafe { std::slice::from_raw_parts(at.cast::<u8>(), len) }.to_vec();
    Entry {
        name: text(entry.h_name).unwrap_or_default(),
        aliases: list(entry.h_aliases).filter_map(|at| text(at)).collect(),
        addrs: list(entry.h_addr_list).map(addr).collect(),
        port: 0,
        protocol: Vec::new(),
    }
}

/// The elements of an array of libc's that a null ends.
fn list(array: *mut *mut c_char) -> impl Iterator<Item = *mut c_char> {
    let mut next = array;
    std::iter::from_fn(move || {
        // SAFETY: the array is valid up to its null, and there is none behind it to read.
        let at = unsafe { next.as_ref() }.copied().filter(|at| !at.is_null())?;
        next = next.wrapping_add(1);
        Some(at)
    })
}

fn service(
    mut call: impl FnMut(*mut servent, &mut [c_char], *mut *mut servent) -> c_int,
) -> std::result::Result<Answer, Fault> {
    buffered(|buffer| {
        let (mut entry, mut result) = (MaybeUninit::uninit(), null_mut());
        let code = call(entry.as_mut_ptr(), buffer, &raw mut result);
        // SAFETY: `result` is null, or points to the entry, whose texts are in the buffer.
        match unsafe { result.as_ref() } {
            Some(entry) if code == 0 => (0, Ok(Answer::Service(service_entry(entry)))),
            _ if code == libc::ERANGE => (code, Err(Fault::Absent)),
            // glibc answers 0 and no entry, or ENOENT; musl ENOENT, and EINVAL for a protocol that it does not know.
            _ if [0, libc::ENOENT, libc::EINVAL].contains(&code) => (0, Err(Fault::Absent)),
            _ => (0, Err(Fault::System(Errno::new(code)))),
        }
    })?
}

fn service_entry(entry: &servent) -> Entry {
    Entry {
        name: text(entry.s_name).unwrap_or_default(),
        aliases: list(entry.s_aliases).filter_map(|at| text(at)).collect(),
        addrs: Vec::new(),
        port: u16::from_be(entry.s_port as u16),
        protocol: text(entry.s_proto).unwrap_or_default(),
    }
}

/// The name of the host, gethostname(2).
pub fn host_name() -> Result<Vec<u8>> {
    let mut name = [0; HOST_NAME];
    // SAFETY: the length leaves the last byte of the array, a NUL, as it is.
    check(unsafe { libc::gethostname(name.as_mut_ptr(), HOST_NAME - 1) })?;
    Ok(text(name.as_ptr()).unwrap_or_default())
}

/// Sets the name of the host, sethostname(2).
pub fn set_host_name(name: &[u8]) -> Result<()> {
    // SAFETY: pointer and length are those of a slice.
    check(unsafe { libc::sethostname(name.as_ptr().cast(), name.len()) })?;
    Ok(())
}
