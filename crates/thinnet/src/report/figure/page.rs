//! A figure on a page: title and legend are the page's own text, which wraps, and each panel is a drawing of its own, so
//! that narrow screens show one below the other.

use maud::{Markup, PreEscaped, html};
use plotters::backend::SVGBackend;
use plotters::drawing::IntoDrawingArea;

use super::{Figure, Mark, Panel, adapted, color, failed, hex, register};
use crate::error::Result;

/// A panel's size: as wide as a phone's screen, so that its text is read there as it is.
const SIZE: (u32, u32) = (380, 300);
/// Drawings have whole numbers of pixels: so many of them are one of the page's.
const FINE: u32 = 4;

impl Figure {
    /// The figure with what is to be said below it.
    pub(in crate::report) fn markup(&self, caption: &str) -> Result<Markup> {
        let panels = self.panels.iter().map(|panel| panel.markup(&self.title)).collect::<Result<Vec<_>>>()?;
        Ok(html! {
            figure.chart {
                p.title { (self.title) }
                @if self.names.len() > 1 || self.phases {
                    ul.legend {
                        @if self.names.len() > 1 {
                            @for (index, name) in self.names.iter().enumerate() {
                                li { (swatch(&hex(color(index)), false)) (name) }
                            }
                        }
                        @if self.phases {
                            @for (name, dashed) in [("training", true), ("validation", false)] {
                                li { (swatch("currentColor", dashed)) (name) }
                            }
                        }
                    }
                }
                div.panels { @for panel in &panels { (panel) } }
                figcaption {
                    (caption)
                    span.hint hidden { " Point at a chart or touch it to read its values; or choose it with Tab and press the arrow keys." }
                }
            }
        })
    }
}

impl Panel {
    fn markup(&self, title: &str) -> Result<Markup> {
        register();
        let (width, height) = (SIZE.0 * FINE, (SIZE.1 + self.extra_height()) * FINE);
        let mut text = String::new();
        let marks = {
            let root = SVGBackend::with_string(&mut text, (width, height)).into_drawing_area();
            let marks = self.draw(&root, FINE)?;
            root.present().map_err(failed)?;
            marks
        };
        let text = adapted(&text);
        // What the drawing consists of: the page has its own beginning for it.
        let inner =
            text.split_once("<svg").and_then(|(_, rest)| rest.split_once('>')).map_or("", |(_, rest)| rest);
        let inner = inner.trim_end().trim_end_matches("</svg>");
        let label = format!("{title}: {} against {}", self.name, self.across.name());
        Ok(html! {
            div.panel {
                svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(label) {
                    (PreEscaped(inner))
                    (titled(&marks, 7 * FINE))
                }
            }
        })
    }
}

/// Places that say their values: to a pointer that rests on them, and to the page's script.
pub(super) fn titled(marks: &[Mark], radius: u32) -> Markup {
    html! {
        g.marks fill="transparent" {
            @for Mark { at: (x, y), place, text, color: index } in marks {
                circle cx=(x) cy=(y) r=(radius) color=(hex(color(*index))) { title { (place) "\n" (text) } }
            }
        }
    }
}

fn swatch(stroke: &str, dashed: bool) -> Markup {
    html! {
        svg viewBox="0 0 26 10" aria-hidden="true" {
            line x1="0" y1="5" x2="26" y2="5" stroke=(stroke) stroke-width="3" stroke-dasharray=[dashed.then_some("6 4")] {}
        }
    }
}
