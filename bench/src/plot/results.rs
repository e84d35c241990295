//! The results that the benchmarks write, and the ratios computed from them.

use serde::Deserialize;

/// The results of a run. Missing values are not drawn.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Results {
    pub(crate) machine: Option<String>,
    pub(crate) kernel: Option<String>,
    pub(crate) otp: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) rounds: Option<u64>,
    pub(crate) ms: Option<u64>,
    pub(crate) rows: Vec<Row>,
}

/// One workload on one backend.
#[derive(Debug, Deserialize)]
pub(crate) struct Row {
    pub(crate) row: String,
    pub(crate) backend: String,
    pub(crate) unit: Option<String>,
    /// The median of the rounds; `low` and `high` are the least and the most.
    pub(crate) rate: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) cpu_us: Option<f64>,
    pub(crate) p50_us: Option<f64>,
    pub(crate) p99_us: Option<f64>,
}

/// esock against a peer in one row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ratio<'a> {
    pub(crate) peer: &'a str,
    pub(crate) rate: f64,
    /// esock's worst round over the peer's best, and esock's best over the peer's worst.
    pub(crate) spread: (f64, f64),
}

/// A row with at least one ratio to draw.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Compared<'a> {
    pub(crate) row: &'a str,
    pub(crate) unit: Option<&'a str>,
    pub(crate) to_socket: Option<Ratio<'a>>,
    pub(crate) to_gen: Option<Ratio<'a>>,
}

impl Results {
    pub(crate) fn parsed(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    /// The names of the rows, in the order of the file.
    pub(crate) fn names(&self) -> Vec<&str> {
        distinct(self.rows.iter().map(|row| row.row.as_str()))
    }

    /// The backends of some rows, in the order of the file.
    pub(crate) fn backends<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Vec<&'a str> {
        distinct(rows.into_iter().map(|row| row.backend.as_str()))
    }

    pub(crate) fn of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.row == name)
    }

    pub(crate) fn compared(&self) -> Vec<Compared<'_>> {
        self.names().into_iter().filter_map(|name| self.compared_in(name)).collect()
    }

    fn compared_in<'a>(&'a self, name: &'a str) -> Option<Compared<'a>> {
        let of = |wanted: fn(&str) -> bool| {
            let rows = self.of(name).filter(move |row| wanted(&row.backend) && positive(row.rate).is_some());
            rows.max_by(|a, b| f64::total_cmp(&a.rate.unwrap_or(0.0), &b.rate.unwrap_or(0.0)))
        };
        let esock = of(|backend| backend == "esock")?;
        let to_socket = of(|backend| backend == "socket").and_then(|peer| ratio(esock, peer));
        let to_gen = of(|backend| backend.starts_with("gen_")).and_then(|peer| ratio(esock, peer));
        let some = to_socket.is_some() || to_gen.is_some();
        some.then_some(Compared { row: name, unit: esock.unit.as_deref(), to_socket, to_gen })
    }
}

fn ratio<'a>(esock: &Row, peer: &'a Row) -> Option<Ratio<'a>> {
    let (ours, theirs) = (positive(esock.rate)?, positive(peer.rate)?);
    let rate = ours / theirs;
    let end = |ours, theirs| Some(positive(ours)? / positive(theirs)?);
    let spread = (end(esock.low, peer.high).unwrap_or(rate), end(esock.high, peer.low).unwrap_or(rate));
    Some(Ratio { peer: &peer.backend, rate, spread })
}

/// The value if it is finite and above 0: a possible divisor, with a logarithm.
pub(crate) fn positive(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && *value > 0.0)
}

fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
