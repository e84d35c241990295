//! Heading, legend, colours and numbers of all pictures.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::Outcome;
use crate::results::Results;

pub(crate) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(crate) const GREY: RGBColor = RGBColor(0x55, 0x55, 0x55);
pub(crate) const MARGIN: i32 = 20;
/// The height in pixels of the title, two lines on machine and run, and the legend.
const HEADING: u32 = 104;

pub(crate) fn colour(backend: &str) -> RGBColor {
    match backend {
        "esock" => RGBColor(0xd9, 0x5f, 0x02),
        "socket" => RGBColor(0x1f, 0x77, 0xb4),
        "gen_tcp" => RGBColor(0x2c, 0xa0, 0x2c),
        "gen_tcp_socket" => RGBColor(0x98, 0xcf, 0x8a),
        "gen_udp" => RGBColor(0x17, 0x9e, 0x9e),
        "floor" => RGBColor(0x7f, 0x7f, 0x7f),
        _ => RGBColor(0x94, 0x67, 0xbd),
    }
}

/// plotters divides font sizes by this when it writes SVG.
const FONT: f64 = 1.24;

pub(crate) fn font(pixels: f64) -> (&'static str, f64) {
    ("sans-serif", pixels * FONT)
}

/// A text style of a size in pixels.
pub(crate) fn text(pixels: f64, colour: RGBColor, h: HPos, v: VPos) -> TextStyle<'static> {
    font(pixels).into_font().color(&colour).pos(Pos::new(h, v))
}

/// A picture with a title and a legend, below which `body` draws.
pub(crate) fn picture(
    results: &Results,
    title: &str,
    (width, height): (u32, u32),
    legend: &[(String, RGBAColor)],
    body: impl FnOnce(&Area<'_>) -> Outcome<()>,
) -> Outcome<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, (width, height + HEADING)).into_drawing_area();
        root.fill(&WHITE)?;
        let (heading, rest) = root.split_vertically(HEADING);
        let line = |text: String, size, colour, y| {
            heading.draw(&Text::new(text, (MARGIN, y), self::text(size, colour, HPos::Left, VPos::Top)))
        };
        line(title.to_owned(), 18.0, BLACK, 12)?;
        let [machine, run] = circumstances(results);
        line(machine, 12.0, GREY, 40)?;
        line(run, 12.0, GREY, 57)?;
        draw_legend(&heading, legend)?;
        body(&rest)?;
        root.present()?;
    }
    Ok(svg)
}

/// The machine and the run of the figures, a line each.
fn circumstances(results: &Results) -> [String; 2] {
    let part = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!("{name}{value}"));
    let machine = [part("", &results.machine), part("kernel ", &results.kernel)];
    let run = [
        part("OTP ", &results.otp),
        part("commit ", &results.commit),
        results.rounds.map(|rounds| format!("medians of {rounds} rounds")),
        results.ms.map(|ms| format!("{ms} ms each")),
    ];
    let joined = |parts: &[Option<String>]| parts.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    [joined(&machine), joined(&run)]
}

fn draw_legend(area: &Area<'_>, legend: &[(String, RGBAColor)]) -> Outcome<()> {
    let mut x = MARGIN;
    for (name, colour) in legend {
        area.draw(&Rectangle::new([(x, 82), (x + 12, 94)], colour.filled()))?;
        area.draw(&Text::new(name.clone(), (x + 17, 88), text(13.0, BLACK, HPos::Left, VPos::Center)))?;
        // Without a font the width is estimated: a letter is about half as wide as high.
        x += 17 + i32::try_from(name.chars().count())? * 7 + 22;
    }
    Ok(())
}

/// A value with three digits, which is as precise as the figures are.
pub(crate) fn three_digits(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{}M", three_digits(v / 1e6)),
        v if v >= 1e4 => format!("{}k", three_digits(v / 1e3)),
        v if v >= 100.0 => format!("{v:.0}"),
        v if v >= 10.0 => format!("{v:.1}"),
        v => format!("{v:.2}"),
    }
}
