//! Tests of reading the results, computing ratios, and leaving out missing values.
#![allow(clippy::unwrap_used)]

use crate::results::Results;
use crate::{pictures, scale};

const ROWS: &str = r#"{"machine": "2 cores & more", "kernel": "6.1", "otp": "29", "commit": "abc", "rounds": 5, "ms": 1000,
 "rows": [
  {"row": "pp50", "backend": "esock", "unit": "echoes/s", "rate": 300.0, "low": 200.0, "high": 330.0, "cpu_us": 9.5,
   "p50_us": 20, "p99_us": 90.5, "kb_each": null},
  {"row": "pp50", "backend": "socket", "rate": 150.0, "low": 100, "high": 160, "cpu_us": 20, "p50_us": 30},
  {"row": "pp50", "backend": "gen_tcp", "rate": 200},
  {"row": "pp50", "backend": "gen_tcp_socket", "rate": 100},
  {"row": "pp50", "backend": "floor", "rate": 900},
  {"row": "lonely", "backend": "esock", "rate": 1},
  {"row": "none", "backend": "esock", "rate": 1}, {"row": "none", "backend": "socket", "rate": 0},
  {"row": "scale10", "backend": "esock", "cpu_us": 5},
  {"row": "scale1", "backend": "esock", "cpu_us": 6},
  {"row": "scaleless", "backend": "socket", "cpu_us": 6}
 ]}"#;

#[test]
fn ratios_are_to_socket_and_the_best_of_gen() {
    let results = Results::parsed(ROWS).unwrap();
    let compared = results.compared();
    assert_eq!(compared.iter().map(|row| (row.row, row.unit)).collect::<Vec<_>>(), [("pp50", Some("echoes/s"))]);
    let to_socket = compared.iter().find_map(|row| row.to_socket.clone()).unwrap();
    assert_eq!((to_socket.peer, to_socket.rate, to_socket.spread), ("socket", 2.0, (200.0 / 160.0, 3.3)));
    let to_gen = compared.iter().find_map(|row| row.to_gen.clone()).unwrap();
    assert_eq!((to_gen.peer, to_gen.rate, to_gen.spread), ("gen_tcp", 1.5, (1.5, 1.5)));
}

#[test]
fn lines_are_in_order_of_connections() {
    let results = Results::parsed(ROWS).unwrap();
    assert_eq!(scale::lines(&results), [("esock", vec![(1.0, 6.0), (10.0, 5.0)])]);
}

#[test]
fn all_pictures_with_their_circumstances() {
    let pictures = pictures(&Results::parsed(ROWS).unwrap()).unwrap();
    assert_eq!(pictures.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["ratio.svg", "latency.svg", "scale.svg"]);
    for (name, svg) in pictures {
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
        for part in ["2 cores &amp; more", "6.1", "OTP 29", "commit abc", "5 rounds", "1000 ms"] {
            assert!(svg.contains(part), "{part} in {name}");
        }
    }
}

#[test]
fn missing_values_are_left_out() {
    for text in ["{}", r#"{"machine": null, "rows": []}"#, r#"{"rows": [{"row": "pp1", "backend": "esock"}]}"#] {
        assert!(pictures(&Results::parsed(text).unwrap()).unwrap().is_empty(), "{text}");
    }
    // A single point and a single value: ranges without extent.
    let one = r#"{"rows": [{"row": "scale1", "backend": "other", "cpu_us": 5, "p99_us": 1}]}"#;
    let names: Vec<_> = pictures(&Results::parsed(one).unwrap()).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["latency.svg", "scale.svg"]);
    for bad in ["", "[", r#"{"rows": [{"backend": "esock"}]}"#, r#"{"rows": {}}"#] {
        assert!(Results::parsed(bad).is_err(), "{bad}");
    }
}
