//! The table of socket options. One option is one row: its name, the system's constant, its codec, its access.
//!
//! It drives set and get, the terms, `supports/0..2`, `is_supported/2,3` and doc/options.md. Rows stand in the order
//! of their names; one that is out of place, or twice, does not compile.

use super::value::Codec;

/// Who keeps an option, and under what name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// The system: level and option of setsockopt(2).
    System(i32, i32),
    /// This library.
    Library(Own),
}

/// Whether an option can be set and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// read only
    R,
    /// read and write
    RW,
}

/// An option.
#[derive(Debug)]
pub struct Row {
    /// The level's name.
    pub level: &'static str,
    /// The option's name.
    pub name: &'static str,
    /// Who keeps it.
    pub keeper: Keeper,
    /// How its value is written.
    pub codec: Codec,
    /// Whether it can be set and read.
    pub access: Access,
    /// The Erlang type of its value.
    pub form: &'static str,
}

macro_rules! own {
    ($($variant:ident $name:ident $access:ident $form:literal;)*) => {
        /// The options of level `otp`, which the library keeps itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum Own { $($variant),* }

        const OWN: &[Row] = &[$(Row {
            level: "otp",
            name: stringify!($name),
            keeper: Keeper::Library(Own::$variant),
            codec: Codec::Own,
            access: Access::$access,
            form: $form,
        }),*];
    };
}

macro_rules! system {
    ($($table:ident $level:ident $level_number:ident { $($name:ident $number:ident $codec:ident $access:ident;)* })*) => {
        $(const $table: &[Row] = &[$(Row {
            level: stringify!($level),
            name: stringify!($name),
            keeper: Keeper::System(libc::$level_number, libc::$number),
            codec: Codec::$codec,
            access: Access::$access,
            form: Codec::$codec.form(),
        }),*];)*

        /// The levels, each with its rows.
        pub static LEVELS: &[&[Row]] = &[OWN, $($table),*];

        const _: () = { in_order(OWN); $(in_order($table);)* };
    };
}

own! {
    ControllingProcess controlling_process RW "pid()";
    Debug              debug               RW "boolean()";
    Domain             domain              R  "domain()";
    Fd                 fd                  R  "non_neg_integer()";
    Iow                iow                 RW "boolean()";
    Meta               meta                RW "term()";
    Rcvbuf             rcvbuf              RW "default | pos_integer() | {pos_integer(), default | pos_integer()}";
    UseRegistry        use_registry        RW "boolean()";
}

system! {
    SOCKET socket SOL_SOCKET {
        acceptconn SO_ACCEPTCONN Bool     RW;
        broadcast  SO_BROADCAST  Bool     RW;
        domain     SO_DOMAIN     Domain   R;
        keepalive  SO_KEEPALIVE  Bool     RW;
        linger     SO_LINGER     Linger   RW;
        protocol   SO_PROTOCOL   Protocol R;
        rcvbuf     SO_RCVBUF     Int      RW;
        rcvlowat   SO_RCVLOWAT   Int      RW;
        reuseaddr  SO_REUSEADDR  Bool     RW;
        reuseport  SO_REUSEPORT  Bool     RW;
        sndbuf     SO_SNDBUF     Int      RW;
        timestamp  SO_TIMESTAMP  Bool     RW;
        type       SO_TYPE       Type     R;
    }
    IP ip IPPROTO_IP {
        tos IP_TOS Tos RW;
        ttl IP_TTL Int RW;
    }
    IPV6 ipv6 IPPROTO_IPV6 {
        v6only IPV6_V6ONLY Bool RW;
    }
    TCP tcp IPPROTO_TCP {
        congestion   TCP_CONGESTION   Name RW;
        cork         TCP_CORK         Bool RW;
        keepcnt      TCP_KEEPCNT      Int  RW;
        keepidle     TCP_KEEPIDLE     Int  RW;
        keepintvl    TCP_KEEPINTVL    Int  RW;
        maxseg       TCP_MAXSEG       Int  RW;
        nodelay      TCP_NODELAY      Bool RW;
        user_timeout TCP_USER_TIMEOUT Int  RW;
    }
}

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    LEVELS.iter().flat_map(|level| level.iter())
}

#[allow(clippy::indexing_slicing, clippy::panic)] // evaluated by the compiler
const fn in_order(rows: &[Row]) {
    let mut next = 1;
    while next < rows.len() {
        let (this, that) = (rows[next - 1].name.as_bytes(), rows[next].name.as_bytes());
        let mut at = 0;
        while at < this.len() && at < that.len() && this[at] == that[at] {
            at += 1;
        }
        let before = at < that.len() && (at == this.len() || this[at] < that[at]);
        assert!(before, "the rows of a level stand in the order of their names, each once");
        next += 1;
    }
}
