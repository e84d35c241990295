//! latency.svg: p50 and p99 of round trip times.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use crate::Outcome;
use crate::results::{Results, Row, positive};
use crate::style::{Area, GREY, colour, font, picture, text, three_digits};

/// The width of a bar in pixels.
const BAR: u32 = 18;
const FAINT: f64 = 0.45;

pub(crate) fn drawn(results: &Results) -> Outcome<Option<String>> {
    let measured = |row: &&Row| positive(row.p50_us).or(positive(row.p99_us)).is_some();
    let groups: Vec<(&str, Vec<&Row>)> = results
        .names()
        .into_iter()
        .map(|name| (name, results.of(name).filter(measured).collect::<Vec<_>>()))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let backends = Results::backends(groups.iter().flat_map(|(_, rows)| rows.iter().copied()));
    let mut legend: Vec<_> = backends.iter().map(|name| (name.to_string(), colour(name).to_rgba())).collect();
    legend.push(("p50: full, p99: faint".to_owned(), GREY.mix(FAINT)));
    let bars = groups.iter().map(|(_, rows)| 2 * rows.len() + 1).sum::<usize>() + 1;
    let width = (BAR * u32::try_from(bars)? + 110).max(760);
    picture(results, "Time of a round trip (less is better)", (width, 420), &legend, |area| {
        draw(area, &groups, bars as f64)
    })
    .map(Some)
}

fn draw(area: &Area<'_>, groups: &[(&str, Vec<&Row>)], bars: f64) -> Outcome<()> {
    let values = || groups.iter().flat_map(|(_, rows)| rows.iter()).flat_map(|row| [row.p50_us, row.p99_us]);
    let least = values().filter_map(positive).fold(f64::INFINITY, f64::min) / 2.0;
    // Room for the numbers above the bars.
    let most = values().filter_map(positive).fold(0.0, f64::max) * 4.0;
    let mut chart = ChartBuilder::on(area)
        .margin_right(20)
        .margin_left(8)
        .margin_bottom(8)
        .x_label_area_size(40)
        .y_label_area_size(80)
        .build_cartesian_2d(0.0..bars, (least..most).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .y_desc("µs")
        .y_label_formatter(&|value| three_digits(*value))
        .label_style(font(12.0))
        .draw()?;
    let number = text(11.0, BLACK, HPos::Left, VPos::Center).transform(FontTransform::Rotate270);
    let mut x = 1.0;
    for (name, rows) in groups {
        let begin = x;
        for row in rows {
            let colour = colour(&row.backend);
            for (value, colour) in [(row.p50_us, colour.to_rgba()), (row.p99_us, colour.mix(FAINT))] {
                if let Some(value) = positive(value) {
                    chart.draw_series([Rectangle::new([(x + 0.06, least), (x + 0.94, value)], colour.filled())])?;
                    chart.draw_series([Text::new(three_digits(value), (x + 0.5, value * 1.08), number.clone())])?;
                }
                x += 1.0;
            }
        }
        let (middle, bottom) = chart.plotting_area().map_coordinate(&((begin + x) / 2.0, least));
        let origin = area.get_base_pixel();
        let at = (middle - origin.0, bottom - origin.1 + 10);
        area.draw(&Text::new((*name).to_owned(), at, text(14.0, BLACK, HPos::Center, VPos::Top)))?;
        x += 1.0;
    }
    Ok(())
}
