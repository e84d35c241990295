//! Tokens: what the kernel returns with an event, and the table of the sources behind them.
//!
//! A token is a place in the table and a serial number. The kernel may report an event that was queued before the
//! descriptor's registration ended. By then another source may have the place, but under another serial number.

use slab::Slab;

/// The key of a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    place: u32,
    serial: u32,
}

impl Token {
    /// The event data for the kernel.
    pub fn to_u64(self) -> u64 {
        (u64::from(self.serial) << 32) | u64::from(self.place)
    }

    /// The token from the kernel's event data.
    pub fn from_u64(data: u64) -> Self {
        Self { place: data as u32, serial: (data >> 32) as u32 }
    }
}

/// The registered sources.
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
    /// Adds a source, under a serial number that repeats after 2³² registrations.
    pub fn insert(&mut self, source: S) -> Token {
        self.serial = self.serial.wrapping_add(1);
        let place = self.entries.insert((self.serial, source));
        Token { place: place as u32, serial: self.serial }
    }

    /// The source of a token, if it is still registered.
    pub fn get(&self, token: Token) -> Option<&S> {
        let (serial, source) = self.entries.get(token.place as usize)?;
        (*serial == token.serial).then_some(source)
    }

    /// The source of a token, to change it.
    pub fn get_mut(&mut self, token: Token) -> Option<&mut S> {
        let (serial, source) = self.entries.get_mut(token.place as usize)?;
        (*serial == token.serial).then_some(source)
    }

    /// Removes a source.
    pub fn remove(&mut self, token: Token) -> Option<S> {
        self.get(token)?;
        self.entries.try_remove(token.place as usize).map(|(_, source)| source)
    }

    /// All sources.
    pub fn into_all(self) -> impl Iterator<Item = S> {
        self.entries.into_iter().map(|(_, (_, source))| source)
    }

    /// How many sources there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no sources.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
