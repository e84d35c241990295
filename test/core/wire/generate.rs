//! Values for codecs, from a seed: each codec of the tables gets values that it can encode, and bytes that mean nothing.

use esock::table::{control, option};
use esock::wire::addr::Address;
use esock::wire::bits::{FANOUT_FLAGS, FANOUTS, TLS_CIPHERS, TLS_VERSIONS};
use esock::wire::cmsg::Message;
use esock::wire::codec::{Codec, Layout};
use esock::wire::layout::TIMESPEC;
use esock::wire::name::Name;
use esock::wire::value::{Namespace, Value};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Numbers from a seed, by the generator SplitMix64.
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn int(&mut self, limit: u64) -> Value {
        Value::Int(self.below(limit) as i64)
    }

    fn name(&mut self, names: &[Name]) -> Value {
        Value::Name(names[self.below(names.len() as u64) as usize].0)
    }

    fn bits(&mut self, names: &[Name]) -> Value {
        Value::List(names.iter().filter(|_| self.next() & 1 == 1).map(|row| Value::Name(row.0)).collect())
    }

    fn list(&mut self, one: impl Fn(&mut Self) -> Value) -> Value {
        Value::List((0..1 + self.below(8)).map(|_| one(self)).collect())
    }

    fn address(&mut self) -> Address {
        let port = self.next() as u16;
        match self.next() & 1 {
            0 => Address::Inet { addr: Ipv4Addr::from(self.next() as u32), port },
            _ => self.address6(),
        }
    }

    fn address6(&mut self) -> Address {
        let addr = Ipv6Addr::from(u128::from(self.next()) << 64 | u128::from(self.next()));
        Address::Inet6 { addr, port: self.next() as u16, flowinfo: self.next() as u32, scope_id: self.next() as u32 }
    }

    fn text(&mut self, most: usize) -> Value {
        let len = self.below(most as u64 + 1) as usize;
        Value::Text((0..len).map(|_| b'a' + self.below(26) as u8).collect())
    }

    fn fields(&mut self, layout: &Layout) -> Vec<(&'static str, Value)> {
        let mut field = |codec| match codec {
            // A struct has room for all of its bytes.
            Codec::Bytes(len) => Value::Bytes(self.bytes(len)),
            codec => self.value(codec).unwrap(),
        };
        layout.fields.iter().map(|one| (one.name, field(one.codec))).collect()
    }

    fn sources(&mut self, layout: &Layout, codec: Codec) -> Value {
        let mut pairs = self.fields(layout);
        pairs.push(("slist", self.list(|seed| seed.value(codec).unwrap())));
        Value::Map(pairs)
    }

    /// A value that is the same after it was encoded and decoded. `None` if the codec has no such values.
    pub(crate) fn value(&mut self, codec: Codec) -> Option<Value> {
        Some(match codec {
            Codec::Bool | Codec::Bool8 => Value::Bool(self.next() & 1 == 1),
            Codec::True => Value::Bool(true),
            Codec::Int | Codec::I64 => Value::Int(i64::from(self.next() as i32)),
            Codec::Nat | Codec::Ifindex | Codec::IfindexBe => self.int(1 << 31),
            Codec::Uint | Codec::Be32 | Codec::Groups => self.int(1 << 32),
            Codec::NamedUint(names) | Codec::Capped(names, _) | Codec::NamedU64(names) => self.name(names),
            Codec::Le16 => self.int(1 << 16),
            Codec::Bdaddr => Value::Text(format!("00:1B:DC:0F:12:{:02X}", self.below(256)).into_bytes()),
            Codec::Terminated(size) => Value::Text(vec![b'a' + self.below(26) as u8; size - 1]),
            Codec::U8 | Codec::Hops | Codec::Tclass => self.int(1 << 8),
            Codec::U16 | Codec::Be16 => self.int(1 << 16),
            Codec::U64 => Value::unsigned(self.next()),
            Codec::Rate => {
                if self.next() & 1 == 1 {
                    Value::Name("unlimited")
                } else {
                    Value::unsigned(self.next())
                }
            }
            Codec::Named(names) | Codec::Named8(names) | Codec::Named16(names) => self.name(names),
            Codec::Bits8(names) | Codec::Bits16(names) | Codec::Bits(names) => self.bits(names),
            Codec::Domain => Value::Kind(Namespace::Domain, self.below(46) as i32),
            Codec::Type => Value::Kind(Namespace::Type, self.below(6) as i32),
            Codec::Protocol => Value::Kind(Namespace::Protocol, self.below(263) as i32),
            Codec::Ip4 => Value::Ip4((self.next() as u32).to_ne_bytes()),
            Codec::Interface if self.next() & 1 == 1 => Value::Int(1 + self.below(1000) as i64),
            Codec::Interface => Value::Ip4((self.next() as u32).to_ne_bytes()),
            Codec::Ip6 => Value::Ip6([(); 8].map(|()| self.next() as u16)),
            Codec::Address => Value::Address(self.address()),
            Codec::Address6 => Value::Address(self.address6()),
            Codec::Text(most) => self.text(most),
            Codec::Device => self.text(15),
            Codec::Bytes(most) => {
                let len = self.below(most as u64 + 1) as usize;
                Value::Bytes(self.bytes(len))
            }
            Codec::Counted8(most) | Codec::Counted16(most) | Codec::Counted32(most) => {
                let len = self.below(most as u64 + 1) as usize;
                Value::Bytes(self.bytes(len))
            }
            Codec::PortRange => Value::Tuple(vec![self.int(1 << 16), self.int(1 << 16)]),
            Codec::Timestamping => match (self.next() & 1, self.bits(esock::wire::bits::TIMESTAMPING)) {
                (0, flags) => flags,
                (_, flags) => Value::Map(vec![("flags", flags), ("bind_phc", Value::Int(1 + self.below(100) as i64))]),
            },
            Codec::Times => {
                let time = |seed: &mut Self| Value::Map(seed.fields(&TIMESPEC));
                Value::Map(vec![("software", time(self)), ("system", time(self)), ("hardware", time(self))])
            }
            Codec::Ints => self.list(|seed| Value::Int(i64::from(seed.next() as i32))),
            Codec::Words | Codec::CountedWords => self.list(|seed| seed.int(1 << 32)),
            Codec::Pairs => self.list(|seed| Value::Tuple(vec![seed.int(1 << 32), seed.int(1 << 32)])),
            Codec::Set(words, first) => {
                let numbers = (first..first + 32 * words as u32).filter(|_| self.next() & 1 == 1);
                Value::List(numbers.map(|number| Value::Int(i64::from(number))).collect())
            }
            Codec::Structs(layout) => self.list(|seed| Value::Map(seed.fields(layout))),
            Codec::Program => self.list(|seed| {
                Value::Tuple(vec![seed.int(1 << 16), seed.int(1 << 8), seed.int(1 << 8), seed.int(1 << 32)])
            }),
            Codec::CanFilters => self.list(|seed| match seed.next() & 1 {
                0 => Value::Tuple(vec![seed.int(1 << 29), seed.int(1 << 32)]),
                _ => Value::Tuple(vec![Value::Name("inv"), seed.int(1 << 29), seed.int(1 << 32)]),
            }),
            Codec::Fanout => match (self.next() & 1, self.name(FANOUTS)) {
                (0, mode) => mode,
                (_, mode) => Value::Map(vec![("type", mode), ("flags", Value::List(vec![self.name(FANOUT_FLAGS)]))]),
            },
            Codec::Tls => {
                let (version, cipher) = (self.name(TLS_VERSIONS), self.name(TLS_CIPHERS));
                let (iv, key, salt) = match &cipher {
                    Value::Name("aes_gcm_256" | "aria_gcm_256") => (8, 32, 4),
                    Value::Name("chacha20_poly1305") => (12, 32, 0),
                    _ => (8, 16, 4),
                };
                let mut pairs = vec![("version", version), ("cipher", cipher)];
                for (name, len) in [("iv", iv), ("key", key), ("salt", salt), ("rec_seq", 8)] {
                    pairs.push((name, Value::Bytes(self.bytes(len))));
                }
                Value::Map(pairs)
            }
            Codec::Attributes(rows) => {
                Value::Map(rows.iter().map(|row| (row.name, self.value(row.codec).unwrap())).collect())
            }
            Codec::Struct(layout) => {
                layout.fields.iter().all(|field| self.value(field.codec).is_some()).then_some(())?;
                Value::Map(self.fields(layout))
            }
            Codec::Linger(layout) => Value::Map(self.fields(layout)),
            Codec::MsFilter(layout) => self.sources(layout, Codec::Ip4),
            Codec::GroupFilter(layout) => self.sources(layout, Codec::Address),
            // These are read only or write only, or their values are read as something else.
            Codec::MulticastIf | Codec::Tos | Codec::Hardware | Codec::Length(_) | Codec::Md5Sig(_) => return None,
            Codec::Part8(..) | Codec::Error | Codec::ExtendedError | Codec::Cmsgs | Codec::Own => return None,
        })
    }
}

/// The codecs of all options and control messages, with their names.
pub(crate) fn codecs() -> Vec<(String, Codec)> {
    let options = option::rows().map(|row| (format!("{{{}, {}}}", row.level, row.name), row.codec));
    let messages = control::TABLE.iter().map(|row| (format!("message {{{}, {}}}", row.level, row.name), row.codec));
    options.chain(messages).collect()
}

/// Each layout of the tables, and those within them.
pub(crate) fn layouts() -> Vec<&'static Layout> {
    let mut found: Vec<&'static Layout> = Vec::new();
    let mut left: Vec<_> = codecs().into_iter().map(|row| row.1).collect();
    while let Some(codec) = left.pop() {
        let layout = match codec {
            Codec::Struct(layout) | Codec::Structs(layout) | Codec::Linger(layout) => layout,
            Codec::MsFilter(layout) | Codec::GroupFilter(layout) | Codec::Md5Sig(layout) => layout,
            _ => continue,
        };
        if !found.iter().any(|one| std::ptr::eq(*one, layout)) {
            found.push(layout);
            left.extend(layout.fields.iter().map(|field| field.codec));
        }
    }
    found.push(&esock::wire::layout::IFMAP);
    found
}

/// A control message of a row with a value.
pub(crate) fn message(row: &control::Row, value: &Value) -> Option<Message> {
    Some(Message { level: row.number, kind: row.kind, data: row.codec.write(value)? })
}
