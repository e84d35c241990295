//! Draws the results of the benchmarks: `plot RESULTS.json OUTDIR` writes ratio.svg, latency.svg and scale.svg, each if there
//! are rows for it.

mod latency;
mod ratio;
mod results;
mod scale;
mod style;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use crate::results::Results;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [results, out] = args.as_slice() else {
        eprintln!("usage: plot RESULTS.json OUTDIR");
        return ExitCode::from(2);
    };
    match run(Path::new(results), Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plot: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(results: &Path, out: &Path) -> Outcome<()> {
    let named = |path: &Path, error: &dyn Error| format!("{}: {error}", path.display());
    let text = fs::read_to_string(results).map_err(|error| named(results, &error))?;
    let results = Results::parsed(&text).map_err(|error| named(results, &error))?;
    fs::create_dir_all(out).map_err(|error| named(out, &error))?;
    for (name, svg) in pictures(&results)? {
        let path = out.join(name);
        fs::write(&path, svg).map_err(|error| named(&path, &error))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// File names and contents of the pictures for which there are rows.
fn pictures(results: &Results) -> Outcome<Vec<(&'static str, String)>> {
    let all = [
        ("ratio.svg", ratio::drawn(results)?),
        ("latency.svg", latency::drawn(results)?),
        ("scale.svg", scale::drawn(results)?),
    ];
    Ok(all.into_iter().filter_map(|(name, svg)| Some((name, svg?))).collect())
}
