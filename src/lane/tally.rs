//! Counters of one direction of a socket.

/// Counters of one direction of a socket, or of its accepts or sendfiles alone. A package is one message; on a stream
/// it is what one call of the API moves, in any number of parts.
#[derive(Clone, Copy, Default, Debug)]
pub struct Tally {
    /// bytes moved
    pub bytes: u64,
    /// packages moved (for accept: connections)
    pub packages: u64,
    /// bytes of the largest package
    pub largest: u64,
    /// attempts
    pub tries: u64,
    /// attempts after which the caller waited
    pub waits: u64,
    /// attempts that failed
    pub fails: u64,
    /// the most bytes that one attempt moved
    pub largest_call: u64,
    /// bytes of the package under way
    partial: u64,
}

impl Tally {
    /// Counts a part of a package.
    pub fn add_part(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.partial += bytes as u64;
        self.largest_call = self.largest_call.max(bytes as u64);
    }

    /// Counts further packages of the same attempt, as if each had had an attempt of its own.
    pub fn add_packages(&mut self, packages: u64) {
        self.tries += packages;
        self.packages += packages;
    }

    /// Counts a package, or the last part of one.
    pub fn add_package(&mut self, bytes: usize) {
        self.add_part(bytes);
        self.packages += 1;
        self.largest = self.largest.max(self.partial);
        self.partial = 0;
    }
}
