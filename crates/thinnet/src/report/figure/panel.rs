//! A panel: two axes, and the lines, bars and points between them.

use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::coord::ranged1d::ValueFormatter;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::{Across, GRID, INK, Joined, Mark, Panel, Points, TEXT, color, failed, number, style};
use crate::error::Result;

/// A chart as a panel has it.
type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<Axis, Axis>>;

impl Panel {
    /// Draws the panel and answers with what there is to say of it. `scale` is how many pixels a unit of length has.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &DrawingArea<DB, Shift>,
        scale: u32,
    ) -> Result<Vec<Mark>> {
        let px = |size: u32| size * scale;
        let (across, up) = (Axis::across(self), Axis::up(self));
        // What is on the vertical axis stands above it, where it can be read without turning one's head.
        let name = Text::new(self.name.clone(), (px(8) as i32, px(6) as i32), style(px(TEXT)));
        area.draw(&name).map_err(failed)?;
        let mut chart = ChartBuilder::on(area)
            .margin_left(px(4))
            .margin_right(px(16))
            .margin_top(px(32))
            .x_label_area_size(px(across.label_height() + 32))
            .y_label_area_size(px(up.widest() + 14))
            .build_cartesian_2d(across.clone(), up)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .set_all_tick_mark_size(px(5))
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.mix(0.25).stroke_width(scale))
            .axis_style(GRID.stroke_width(scale))
            .x_desc(self.across.name())
            .label_style(style(px(TEXT)))
            .axis_desc_style(style(px(TEXT)))
            .x_label_formatter(&|place| if across.upwards { String::new() } else { across.format_ext(place) })
            .draw()
            .map_err(failed)?;
        if across.upwards {
            let upwards = style(px(TEXT)).transform(FontTransform::Rotate270);
            let upwards = upwards.pos(Pos::new(HPos::Right, VPos::Center));
            // Pixels of the chart count from the drawing's corner, those of the area from its own.
            let (left, top) = area.get_base_pixel();
            let bottom = chart.plotting_area().get_pixel_range().1.end - top + px(10) as i32;
            for (place, label) in across.ticks() {
                let column = chart.backend_coord(&(place, 0.0)).0 - left;
                area.draw(&Text::new(label.to_owned(), (column, bottom), upwards.clone())).map_err(failed)?;
            }
        }
        if self.diagonal {
            let (start, end) = Axis::across(self).common(&Axis::up(self));
            let ends = [(start, start), (end, end)];
            let line = DashedLineSeries::new(ends, px(4), px(4), GRID.stroke_width(px(1)));
            chart.draw_series(line).map_err(failed)?;
        }
        let mut marks = self.draw_bars(&mut chart, scale)?;
        marks.extend(self.draw_lines(&mut chart, scale)?);
        marks.extend(self.draw_points(&mut chart, scale)?);
        Ok(marks)
    }

    fn draw_bars<DB: DrawingBackend>(&self, chart: &mut Chart<'_, DB>, scale: u32) -> Result<Vec<Mark>> {
        let mut marks = Vec::new();
        for bar in &self.bars {
            let color = color(bar.color);
            let corners = [(bar.low, 0.0), (bar.high, bar.height)];
            let fill = Rectangle::new(corners, color.mix(0.4).filled());
            let edge = Rectangle::new(corners, color.mix(0.8).stroke_width(scale));
            chart.draw_series([fill, edge]).map_err(failed)?;
            let middle = (bar.low + bar.high) / 2.0;
            if let Some((low, high)) = bar.interval {
                let whisker = PathElement::new([(middle, low), (middle, high)], INK.stroke_width(scale));
                chart.draw_series(std::iter::once(whisker)).map_err(failed)?;
            }
            let place =
                format!("{} {} to {}", self.across.name(), number::place(bar.low), number::place(bar.high));
            let at = chart.backend_coord(&(middle, bar.height));
            marks.push(Mark { at, place, text: bar.note.clone(), color: bar.color });
        }
        Ok(marks)
    }

    fn draw_lines<DB: DrawingBackend>(&self, chart: &mut Chart<'_, DB>, scale: u32) -> Result<Vec<Mark>> {
        let px = |size: u32| size * scale;
        let mut marks = Vec::new();
        for line in &self.lines {
            let color = color(line.color);
            // Values that are not finite leave gaps.
            for part in line.points.split(|(_, value, _)| !value.is_finite()) {
                if part.iter().any(|(.., half)| *half > 0.0) {
                    let upper = part.iter().map(|(at, value, half)| (*at, value + half));
                    let lower = part.iter().rev().map(|(at, value, half)| (*at, value - half));
                    let band = Polygon::new(upper.chain(lower).collect::<Vec<_>>(), color.mix(0.15));
                    chart.draw_series(std::iter::once(band)).map_err(failed)?;
                }
                let points = part.iter().map(|(at, value, _)| (*at, *value));
                if let [(at, value, _)] = part {
                    let dot = Circle::new((*at, *value), px(4), color.filled());
                    chart.draw_series(std::iter::once(dot)).map_err(failed)?;
                } else {
                    join(chart, points, color.stroke_width(px(2)), line.dashed, scale)?;
                }
                for (at, value, half) in part {
                    let interval =
                        if *half > 0.0 { format!(" ± {}", number::value(*half)) } else { String::new() };
                    marks.push(Mark {
                        at: chart.backend_coord(&(*at, *value)),
                        place: self.across.place(*at),
                        text: format!("{}: {} {}{interval}", line.label, self.name, number::value(*value)),
                        color: line.color,
                    });
                }
            }
        }
        Ok(marks)
    }

    fn draw_points<DB: DrawingBackend>(&self, chart: &mut Chart<'_, DB>, scale: u32) -> Result<Vec<Mark>> {
        let px = |size: u32| size * scale;
        let length = f64::from(chart.plotting_area().dim_in_pixel().0);
        let axis = Axis::across(self);
        let mut marks = Vec::new();
        for (index, series) in self.points.iter().enumerate() {
            let color = color(series.color);
            // Series that have points in the same place stand beside each other there, so that whiskers can be told apart.
            let place = |at: f64| {
                let is_there = |series: &Points| series.points.iter().any(|point| point.at == at);
                let count = self.points.iter().filter(|series| is_there(series)).count() as f64;
                let before = self.points[..index].iter().filter(|series| is_there(series)).count() as f64;
                axis.shifted(at, (before - (count - 1.0) / 2.0) * f64::from(px(6)), length)
            };
            let known: Vec<_> = series.points.iter().filter(|point| point.value.is_finite()).collect();
            if series.joined != Joined::Not {
                let places = known.iter().map(|point| (place(point.at), point.value));
                let dashed = series.joined == Joined::Dashed;
                join(chart, places, color.mix(0.7).stroke_width(px(1)), dashed, scale)?;
            }
            for point in known {
                let at = place(point.at);
                let interval = point.interval.filter(|(low, high)| low.is_finite() && high.is_finite());
                if let Some((low, high)) = interval {
                    let stroke = color.stroke_width(px(3) / 2);
                    let cap = |value| {
                        let (left, right) = (
                            axis.shifted(at, -f64::from(px(3)), length),
                            axis.shifted(at, f64::from(px(3)), length),
                        );
                        PathElement::new([(left, value), (right, value)], stroke)
                    };
                    let whisker = PathElement::new([(at, low), (at, high)], stroke);
                    chart.draw_series([whisker, cap(low), cap(high)]).map_err(failed)?;
                }
                let dot = if series.joined == Joined::Dashed {
                    Circle::new((at, point.value), px(4), color.stroke_width(px(3) / 2))
                } else {
                    Circle::new((at, point.value), px(4), color.filled())
                };
                chart.draw_series(std::iter::once(dot)).map_err(failed)?;
                let interval = interval.map_or_else(String::new, |(low, high)| {
                    format!(", 95 % interval {} to {}", number::value(low), number::value(high))
                });
                let note = if point.note.is_empty() { String::new() } else { format!(" ({})", point.note) };
                let value = number::value(point.value);
                marks.push(Mark {
                    at: chart.backend_coord(&(at, point.value)),
                    place: self.across.place(point.at),
                    text: format!("{}: {} {value}{interval}{note}", series.label, self.name),
                    color: series.color,
                });
            }
        }
        Ok(marks)
    }

    /// How much higher than others the panel is, for labels that read upwards.
    pub(super) fn extra_height(&self) -> u32 {
        Axis::across(self).label_height() - TEXT
    }

    /// Where on the horizontal axis something is.
    pub(super) fn places(&self) -> impl Iterator<Item = f64> {
        let lines = self.lines.iter().flat_map(|line| &line.points);
        let points = self.points.iter().flat_map(|series| &series.points);
        let lines = lines.filter(|(_, value, _)| value.is_finite()).map(|(at, ..)| *at);
        lines.chain(points.filter(|point| point.value.is_finite()).map(|point| point.at))
    }

    /// What lines and points reach to on the vertical axis.
    pub(super) fn values(&self) -> impl Iterator<Item = f64> {
        let lines = self.lines.iter().flat_map(|line| &line.points);
        let points = self.points.iter().flat_map(|series| &series.points);
        let lines = lines.flat_map(|(_, value, half)| [value - half, value + half]);
        lines.chain(points.flat_map(|point| {
            let (low, high) = point.interval.unwrap_or((point.value, point.value));
            [low, point.value, high]
        }))
    }
}

impl Across {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Epochs => "epoch",
            Self::Values(name, ..) => name,
            Self::Varied(name, _) | Self::Choices(name, _) => name,
        }
    }

    /// A place on the axis, in words.
    fn place(&self, at: f64) -> String {
        match self {
            Self::Choices(name, choices) => {
                format!("{name} {}", choices.get(at.max(0.0) as usize).map_or("", String::as_str))
            }
            _ => format!("{} {}", self.name(), number::place(at)),
        }
    }
}

fn join<DB: DrawingBackend>(
    chart: &mut Chart<'_, DB>,
    points: impl Iterator<Item = (f64, f64)>,
    stroke: ShapeStyle,
    dashed: bool,
    scale: u32,
) -> Result<()> {
    match dashed {
        true => {
            let line = DashedLineSeries::new(points.collect::<Vec<_>>(), 6 * scale, 4 * scale, stroke);
            chart.draw_series(line).map_err(failed)?;
        }
        false => {
            chart.draw_series(LineSeries::new(points, stroke)).map_err(failed)?;
        }
    }
    Ok(())
}
