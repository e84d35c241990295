//! scale.svg: CPU time of an echo against the number of connections, from the rows scale1, scale10 and so on.

use plotters::prelude::*;

use crate::Outcome;
use crate::results::{Results, Row, positive};
use crate::style::{Area, colour, font, picture, three_digits};

/// A backend, and its points: connections, and CPU time in microseconds.
pub(crate) type Line<'a> = (&'a str, Vec<(f64, f64)>);

pub(crate) fn drawn(results: &Results) -> Outcome<Option<String>> {
    let lines = lines(results);
    if lines.is_empty() {
        return Ok(None);
    }
    let legend: Vec<_> = lines.iter().map(|(name, _)| ((*name).to_owned(), colour(name).to_rgba())).collect();
    let title = "CPU time of an echo, both ends (less is better)";
    picture(results, title, (820, 440), &legend, |area| draw(area, &lines)).map(Some)
}

pub(crate) fn lines(results: &Results) -> Vec<Line<'_>> {
    let point = |row: &Row| {
        let connections: u32 = row.row.strip_prefix("scale")?.parse().ok().filter(|count| *count > 0)?;
        Some((f64::from(connections), positive(row.cpu_us)?))
    };
    Results::backends(results.rows.iter().filter(|row| point(row).is_some()))
        .into_iter()
        .map(|backend| {
            let rows = results.rows.iter().filter(|row| row.backend == backend);
            let mut points: Vec<_> = rows.filter_map(point).collect();
            points.sort_by(|a, b| f64::total_cmp(&a.0, &b.0));
            (backend, points)
        })
        .collect()
}

fn draw(area: &Area<'_>, lines: &[Line<'_>]) -> Outcome<()> {
    let points = || lines.iter().flat_map(|(_, points)| points);
    let least = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let most = points().map(|point| point.0).fold(0.0, f64::max);
    let top = points().map(|point| point.1).fold(0.0, f64::max) * 1.1;
    let mut chart = ChartBuilder::on(area)
        .margin_right(30)
        .margin_top(8)
        .margin_left(8)
        .margin_bottom(8)
        .x_label_area_size(50)
        .y_label_area_size(70)
        .build_cartesian_2d((least / 1.2..most * 1.2).log_scale(), 0.0..top)?;
    chart
        .configure_mesh()
        .x_desc("connections")
        .y_desc("µs")
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|value| three_digits(*value))
        .light_line_style(TRANSPARENT)
        .label_style(font(12.0))
        .draw()?;
    for (backend, points) in lines {
        let colour = colour(backend);
        chart.draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)))?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, colour.filled())))?;
    }
    Ok(())
}
