//! Figures, as SVG text.

use anyhow::{Result, anyhow};
use lab_strategies::registry::{self, Role};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// One line of a plot.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name: the strategy's, with the placement in parentheses if there is one.
    pub label: String,
    /// Its points, by ascending x.
    pub points: Vec<(f64, f64)>,
    /// For points that have one, an interval around them: x, lower and upper bound.
    pub intervals: Vec<(f64, f64, f64)>,
}

/// A grid of ratios.
#[derive(Debug)]
pub struct HeatMap<'a> {
    /// Name of the horizontal axis.
    pub x_label: &'a str,
    /// Name of the vertical axis.
    pub y_label: &'a str,
    /// Names of the columns.
    pub columns: &'a [String],
    /// Names of the rows, from below.
    pub rows: &'a [String],
    /// The ratios, row by row; 1 is drawn white.
    pub values: &'a [Vec<f64>],
    /// For each row the fractional column index at which the ratio passes 1, if it does.
    pub break_even: &'a [Option<f64>],
}

const SIZE: (u32, u32) = (860, 480);
const FONT: &str = "sans-serif";

/// Appearance of the line of `label`: placements of one strategy share its colour, ours are bold.
fn style(label: &str) -> ShapeStyle {
    let name = label.split(" (").next().unwrap_or(label);
    let entry = registry::find(name);
    let (red, green, blue) = entry.map_or((0, 0, 0), |entry| entry.colour);
    let colour = RGBColor(red, green, blue);
    let ours = entry.is_some_and(|entry| entry.role == Role::Ours);
    let width = if ours { 4 } else { 2 };
    // The cheaper placement of a strategy that has two is drawn paler.
    let alpha = if label.ends_with("(arena)") { 0.5 } else { 1.0 };
    colour.mix(alpha).stroke_width(width)
}

/// Length of dashes and gaps of the line of a placement or a percentile; `None` for an unbroken one.
fn dashes(label: &str) -> Option<(u32, u32)> {
    let (_, placement) = label.split_once(" (")?;
    Some(match placement.trim_end_matches(')') {
        "stack" | "p99" => (10, 5),
        "heap" | "p99.9" => (3, 4),
        "boxed" => (16, 4),
        "inline" | "p50" => return None,
        _ => (6, 8),
    })
}

/// The mark on the points of `label`: of four shapes, so that strategies differ without their colours.
fn mark<'a>(
    label: &str,
    at: (f64, f64),
    style: ShapeStyle,
) -> DynElement<'static, SVGBackend<'a>, (f64, f64)> {
    let (filled, hollow) = (style.filled(), style.stroke_width(1));
    match registry::rank(label.split(" (").next().unwrap_or(label)) % 4 {
        0 => Circle::new(at, 3, filled).into_dyn(),
        1 => TriangleMarker::new(at, 5, filled).into_dyn(),
        2 => Cross::new(at, 4, filled).into_dyn(),
        _ => Circle::new(at, 4, hollow).into_dyn(),
    }
}

/// Runs `draw` on a white area and returns the SVG.
fn svg(
    size: (u32, u32),
    draw: impl FnOnce(&DrawingArea<SVGBackend<'_>, Shift>) -> Result<()>,
) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        area.fill(&WHITE).map_err(drawing)?;
        draw(&area)?;
        area.present().map_err(drawing)?;
    }
    Ok(text)
}

fn drawing(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

/// The range of `values`, widened by a tenth on a logarithmic scale.
fn range(values: impl Iterator<Item = f64>) -> std::ops::Range<f64> {
    let (low, high) = values
        .filter(|value| *value > 0.0)
        .fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if low > high { 1.0..10.0 } else { low / 1.1..high * 1.1 }
}

/// A value at an axis, which has room for five digits.
fn tick(value: f64) -> String {
    let in_units = |unit: f64| (value / unit * 100.0).round() / 100.0;
    match value {
        value if value >= 1e6 => format!("{}M", in_units(1e6)),
        value if value >= 1e4 => format!("{}k", in_units(1e3)),
        value => crate::show::table::short(value),
    }
}

/// Lines over logarithmic axes. Points that are not positive are left out.
///
/// # Errors
/// If plotters fails.
pub fn lines(x_label: &str, y_label: &str, lines: &[Line]) -> Result<String> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (xs, ys) = (range(points().map(|p| p.0)), range(points().map(|p| p.1)));
    svg(SIZE, |area| {
        // The legend has a column of its own: no place in the plot is free of lines.
        let (left, right) = area.split_horizontally(SIZE.0 - 200);
        let mut chart = ChartBuilder::on(&left)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(56)
            .build_cartesian_2d(xs.log_scale().base(2.0), ys.log_scale())
            .map_err(drawing)?;
        chart
            .configure_mesh()
            .x_desc(x_label)
            .y_desc(y_label)
            .label_style((FONT, 16))
            .axis_desc_style((FONT, 16))
            .x_label_formatter(&|x| format!("{x:.0}"))
            .y_label_formatter(&|y| tick(*y))
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(drawing)?;
        for (index, line) in lines.iter().enumerate() {
            let style = style(&line.label);
            let points: Vec<_> = line.points.iter().copied().filter(|p| p.1 > 0.0).collect();
            let band: Vec<&(f64, f64, f64)> = line.intervals.iter().filter(|i| i.1 > 0.0).collect();
            if band.len() > 1 {
                let upper = band.iter().map(|(x, _, high)| (*x, *high));
                let lower = band.iter().rev().map(|(x, low, _)| (*x, *low));
                let area: Vec<(f64, f64)> = upper.chain(lower).collect();
                let colour = style.color.mix(0.2);
                chart.draw_series([Polygon::new(area, colour.filled())]).map_err(drawing)?;
            }
            match dashes(&line.label) {
                None => {
                    chart.draw_series(LineSeries::new(points.clone(), style)).map_err(drawing)?
                }
                Some((dash, gap)) => chart
                    .draw_series(DashedLineSeries::new(points.clone(), dash, gap, style))
                    .map_err(drawing)?,
            };
            let marks = points.iter().map(|&p| mark(&line.label, p, style));
            chart.draw_series(marks).map_err(drawing)?;
            let y = 30 + 22 * index as i32;
            let (dash, gap) =
                dashes(&line.label).map_or((27, 1), |(dash, gap)| (dash as i32, gap as i32));
            for x in (0..26).step_by((dash + gap) as usize) {
                let end = (x + dash).min(26);
                right.draw(&PathElement::new(vec![(x, y), (end, y)], style)).map_err(drawing)?;
            }
            let font = (FONT, 16).into_text_style(&right).pos(Pos::new(HPos::Left, VPos::Center));
            right.draw_text(&line.label, &font, (34, y)).map_err(drawing)?;
        }
        Ok(())
    })
}

/// Horizontal bars from zero, each with its value.
///
/// # Errors
/// If plotters fails.
pub fn bars(x_label: &str, bars: &[(String, f64)]) -> Result<String> {
    const ROW: i32 = 24;
    const LEFT: i32 = 230;
    let size = (SIZE.0, (bars.len() as u32) * ROW as u32 + 40);
    let largest = bars.iter().map(|bar| bar.1).fold(f64::MIN_POSITIVE, f64::max);
    let width = f64::from(SIZE.0 as i32 - LEFT - 80);
    svg(size, |area| {
        let text = |pos| (FONT, 16).into_text_style(area).pos(Pos::new(pos, VPos::Center));
        area.draw_text(x_label, &text(HPos::Left), (LEFT, 16)).map_err(drawing)?;
        for (index, (label, value)) in bars.iter().enumerate() {
            let y = 40 + ROW * index as i32;
            let end = LEFT + (value / largest * width) as i32;
            // The label is the case, a space, and the strategy.
            let strategy = label.split_once(' ').map_or(label.as_str(), |parts| parts.1);
            area.draw(&Rectangle::new([(LEFT, y - 8), (end, y + 8)], style(strategy).filled()))
                .map_err(drawing)?;
            area.draw_text(label, &text(HPos::Right), (LEFT - 8, y)).map_err(drawing)?;
            let value = crate::show::table::short(*value);
            area.draw_text(&value, &text(HPos::Left), (end + 6, y)).map_err(drawing)?;
        }
        Ok(())
    })
}

/// Red above 1, blue below; two doublings away from 1 the colour is full.
fn heat(ratio: f64) -> RGBColor {
    let strength = (ratio.log2().abs() / 2.0).min(1.0);
    let fade = |channel: u8| (255.0 - (255.0 - f64::from(channel)) * strength) as u8;
    let RGBColor(r, g, b) =
        if ratio >= 1.0 { RGBColor(214, 39, 40) } else { RGBColor(31, 119, 180) };
    RGBColor(fade(r), fade(g), fade(b))
}

/// A heat map with the number in each field and the break-even line.
///
/// # Errors
/// If plotters fails.
pub fn heat_map(map: &HeatMap<'_>) -> Result<String> {
    const FIELD: (i32, i32) = (56, 36);
    let longest = map.rows.iter().map(String::len).max().unwrap_or(0) as i32;
    let origin = (i32::max(70, 16 + 7 * longest), 20);
    let (columns, rows) = (map.columns.len() as i32, map.rows.len() as i32);
    let size = (origin.0 + columns * FIELD.0 + 20, origin.1 + rows * FIELD.1 + 60);
    let bottom = origin.1 + rows * FIELD.1;
    // The pixel of the middle of a field, by fractional column and row.
    let middle = |column: f64, row: usize| {
        (
            origin.0 + ((column + 0.5) * f64::from(FIELD.0)) as i32,
            bottom - row as i32 * FIELD.1 - FIELD.1 / 2,
        )
    };
    svg((size.0 as u32, size.1 as u32), |area| {
        let text = |pos| (FONT, 16).into_text_style(area).pos(Pos::new(pos, VPos::Center));
        let centred = text(HPos::Center);
        for (row, values) in map.values.iter().enumerate() {
            for (column, &ratio) in values.iter().enumerate() {
                let (x, y) = middle(column as f64, row);
                let corners =
                    [(x - FIELD.0 / 2, y - FIELD.1 / 2), (x + FIELD.0 / 2, y + FIELD.1 / 2)];
                area.draw(&Rectangle::new(corners, heat(ratio).filled())).map_err(drawing)?;
            }
        }
        // One stretch for each run of rows that have a break-even point.
        let points: Vec<_> = (map.break_even.iter().enumerate())
            .map(|(row, column)| column.map(|column| middle(column, row)))
            .collect();
        for stretch in points.split(Option::is_none).filter(|stretch| !stretch.is_empty()) {
            let path: Vec<_> = stretch.iter().flatten().copied().collect();
            area.draw(&PathElement::new(path, RGBColor(60, 60, 60).stroke_width(3)))
                .map_err(drawing)?;
        }
        for (row, values) in map.values.iter().enumerate() {
            for (column, &ratio) in values.iter().enumerate() {
                let at = middle(column as f64, row);
                area.draw_text(&crate::show::table::short(ratio), &centred, at).map_err(drawing)?;
            }
            let (_, y) = middle(0.0, row);
            area.draw_text(&map.rows[row], &text(HPos::Right), (origin.0 - 8, y))
                .map_err(drawing)?;
        }
        for (column, name) in map.columns.iter().enumerate() {
            let (x, _) = middle(column as f64, 0);
            area.draw_text(name, &centred, (x, bottom + 14)).map_err(drawing)?;
        }
        let below = (origin.0 + columns * FIELD.0 / 2, bottom + 38);
        area.draw_text(map.x_label, &centred, below).map_err(drawing)?;
        area.draw_text(map.y_label, &text(HPos::Left), (8, 10)).map_err(drawing)?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_in_the_figure() {
        let line = |label: &str| Line {
            label: label.into(),
            points: vec![(1.0, 2.0), (8.0, 0.0)],
            intervals: vec![(1.0, 1.5, 2.5), (8.0, 1.0, 2.0)],
        };
        let figure = lines("depth", "ns", &[line("nested"), line("cpp-gcc (arena)")]).unwrap();
        assert!(figure.contains("nested") && figure.contains("cpp-gcc (arena)"));
        let figure = bars("ns", &[("fib direct (heap)".into(), 4.5)]).unwrap();
        assert!(figure.contains("fib direct (heap)") && figure.contains("4.50"));
    }

    #[test]
    fn large_values_have_room_at_the_axis() {
        let ticks = [0.5, 9_999.0, 10_000.0, 250_000.0, 1e6, 1e7].map(tick);
        assert_eq!(ticks, ["0.50", "9999", "10k", "250k", "1M", "10M"]);
    }

    #[test]
    fn no_points_make_an_empty_plot() {
        lines("depth", "ns", &[]).unwrap();
    }

    #[test]
    fn a_heat_map_without_break_even_has_no_line() {
        let draw = |break_even: &[Option<f64>]| {
            let names = ["1".to_owned(), "2".to_owned()];
            let map = HeatMap {
                x_label: "x",
                y_label: "y",
                columns: &names,
                rows: &names,
                values: &[vec![0.5, 2.0], vec![0.5, 0.6]],
                break_even,
            };
            heat_map(&map).unwrap()
        };
        assert!(!draw(&[None, None]).contains("<polyline"));
        assert!(draw(&[Some(0.5), Some(1.0)]).contains("<polyline"));
    }
}
