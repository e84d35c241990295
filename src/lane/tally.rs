//! Counters of one direction of a socket.

/// What one direction of a socket has done, or what its accepts have. A package is one message, or on a stream what
/// one call of the API moved, in however many pieces.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// bytes moved
    pub bytes: u64,
    /// packages moved (connections, for accept)
    pub packages: u64,
    /// the largest package
    pub largest: u64,
    /// attempts
    pub tries: u64,
    /// attempts that had to wait
    pub waits: u64,
    /// attempts that failed
    pub fails: u64,
    /// the most that one system call moved
    pub most: u64,
    /// bytes of the package that is under way
    partial: u64,
}

impl Tally {
    /// A part of a package went through.
    pub fn part(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.partial += bytes as u64;
        self.most = self.most.max(bytes as u64);
    }

    /// One attempt moved so many packages more than one: they count as if each had had its own.
    pub fn more(&mut self, packages: u64) {
        self.tries += packages;
        self.packages += packages;
    }

    /// A package, or the last part of one, went through.
    pub fn package(&mut self, bytes: usize) {
        self.part(bytes);
        self.packages += 1;
        self.largest = self.largest.max(self.partial);
        self.partial = 0;
    }
}
