//! Tokens: what the kernel hands back with an event, and the table that says whose it is.
//!
//! A token is a place in the table and a serial number. The kernel may report an event that it had queued before the
//! descriptor left; by then the place may be somebody else's, but the serial number is not his.

use slab::Slab;

/// A registration's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    place: u32,
    serial: u32,
}

impl Token {
    /// As the kernel keeps it.
    pub fn to_u64(self) -> u64 {
        (u64::from(self.serial) << 32) | u64::from(self.place)
    }

    /// From what the kernel kept.
    pub fn from_u64(data: u64) -> Self {
        Self { place: data as u32, serial: (data >> 32) as u32 }
    }
}

/// Who is registered.
pub struct Table<S> {
    entries: Slab<(u32, S)>,
    serial: u32,
}

impl<S> Default for Table<S> {
    fn default() -> Self {
        Self { entries: Slab::new(), serial: 0 }
    }
}

impl<S> Table<S> {
    /// Enters a source under a name that no other has had for 2³² registrations.
    pub fn insert(&mut self, source: S) -> Token {
        self.serial = self.serial.wrapping_add(1);
        let place = self.entries.insert((self.serial, source));
        Token { place: place as u32, serial: self.serial }
    }

    /// The source of that name, if it is still there.
    pub fn get(&self, token: Token) -> Option<&S> {
        let (serial, source) = self.entries.get(token.place as usize)?;
        (*serial == token.serial).then_some(source)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, token: Token) -> Option<&mut S> {
        let (serial, source) = self.entries.get_mut(token.place as usize)?;
        (*serial == token.serial).then_some(source)
    }

    /// Takes a source out.
    pub fn remove(&mut self, token: Token) -> Option<S> {
        self.get(token)?;
        self.entries.try_remove(token.place as usize).map(|(_, source)| source)
    }

    /// All of them.
    pub fn into_all(self) -> impl Iterator<Item = S> {
        self.entries.into_iter().map(|(_, (_, source))| source)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
