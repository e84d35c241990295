//! ratio.svg: the rates of esock as multiples of those of its peers.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::Outcome;
use crate::results::{Compared, Ratio, Results};
use crate::style::{Area, GREY, colour, font, picture, text};

/// The height of a row in pixels.
const ROW: u32 = 48;
const LABELS: i32 = 190;
/// The length of the longest label of a bar, as a fraction of the width.
const LABEL: f64 = 0.2;

pub(crate) fn drawn(results: &Results) -> Outcome<Option<String>> {
    let rows = results.compared();
    if rows.is_empty() {
        return Ok(None);
    }
    let legend = [
        ("to socket".to_owned(), colour("socket").to_rgba()),
        ("to the best of gen_tcp, gen_tcp_socket, gen_udp".to_owned(), colour("gen_tcp").to_rgba()),
    ];
    let height = ROW * u32::try_from(rows.len())? + 78;
    let title = "Rate of esock, as a multiple of its peers' (more is better)";
    picture(results, title, (900, height), &legend, |area| draw(area, &rows)).map(Some)
}

fn draw(area: &Area<'_>, rows: &[Compared<'_>]) -> Outcome<()> {
    let ratios = rows.iter().flat_map(|row| [&row.to_socket, &row.to_gen]).flatten();
    let most = ratios.map(|ratio| ratio.rate).fold(1.0, f64::max) * 1.3;
    let height = rows.len() as f64;
    let mut chart = ChartBuilder::on(area)
        .margin_right(20)
        .margin_bottom(8)
        .x_label_area_size(50)
        .y_label_area_size(LABELS)
        .build_cartesian_2d(0.0..most, 0.0..height)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_desc("rate of esock / rate of the peer; the thin line spans worst to best of the rounds")
        .light_line_style(TRANSPARENT)
        .label_style(font(12.0))
        .draw()?;
    for (row, top) in rows.iter().zip((0..rows.len()).map(|index| height - index as f64)) {
        let (x, y) = chart.plotting_area().map_coordinate(&(0.0, top - 0.5));
        let style = |size, colour| text(size, colour, HPos::Right, VPos::Center);
        let origin = area.get_base_pixel();
        let (x, y) = (x - origin.0 - 8, y - origin.1);
        area.draw(&Text::new(row.row.to_owned(), (x, y - 7), style(14.0, BLACK)))?;
        area.draw(&Text::new(row.unit.unwrap_or("").to_owned(), (x, y + 9), style(11.0, GREY)))?;
        let bars = [(&row.to_socket, colour("socket"), 0.1), (&row.to_gen, colour("gen_tcp"), 0.5)];
        for (ratio, colour, below) in bars {
            let Some(ratio) = ratio else { continue };
            let (y, label) = (top - below, labelled(ratio));
            chart.draw_series([Rectangle::new([(0.0, y), (ratio.rate, y - 0.36)], colour.mix(0.85).filled())])?;
            let (low, high) = (ratio.spread.0.min(most), ratio.spread.1.min(most));
            chart.draw_series([PathElement::new([(low, y - 0.18), (high, y - 0.18)], BLACK)])?;
            let end = high.max(ratio.rate);
            // A label that would cross the line at 1.0 begins behind it.
            let clear = if (1.0 - LABEL * most..1.0).contains(&end) { 1.0 } else { end };
            let at = (clear + most * 0.008, y - 0.18);
            chart.draw_series([Text::new(label, at, text(12.0, BLACK, HPos::Left, VPos::Center))])?;
        }
    }
    let even = BLACK.stroke_width(2);
    chart.draw_series([PathElement::new([(1.0, 0.0), (1.0, height)], even)])?;
    Ok(())
}

/// The label of a bar. It names the peer unless that is `socket`: the best of gen_* differs from row to row.
fn labelled(ratio: &Ratio<'_>) -> String {
    if ratio.peer == "socket" { format!("{:.2}", ratio.rate) } else { format!("{:.2} {}", ratio.rate, ratio.peer) }
}
