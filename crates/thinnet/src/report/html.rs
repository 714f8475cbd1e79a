//! The parts of pages that need nothing else.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::curves::Curves;
use super::figure::number::value;
use crate::error::Result;
use crate::history::History;

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// What a browser may load for a page: nothing but what is in it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

pub(super) fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                // An empty icon, or browsers ask for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                main { h1 { (title) } (body) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

pub(super) fn figure(curves: &Curves) -> Result<Markup> {
    curves.figure().markup("Dashed: training, solid: validation.")
}

pub(super) fn table(rows: &[Vec<String>]) -> Markup {
    let (head, body) = rows.split_first().map_or((&[][..], rows), |(head, body)| (&head[..], body));
    html! {
        div.scroll { table {
            thead { tr { @for cell in head { th scope="col" { (cell) } } } }
            tbody { @for row in body { tr { @for (index, cell) in row.iter().enumerate() {
                @if index == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
            } } } }
        } }
    }
}

pub(super) fn epochs(history: &History) -> Markup {
    let names: Vec<&str> = history.names().collect();
    let head = std::iter::once("epoch".to_owned()).chain(names.iter().map(|&name| name.to_owned())).collect();
    let row = |(index, epoch): (usize, &usize)| {
        let values = names.iter().map(|name| value(history[name][index]));
        std::iter::once((epoch + 1).to_string()).chain(values).collect()
    };
    let rows: Vec<Vec<String>> =
        std::iter::once(head).chain(history.epochs().iter().enumerate().map(row)).collect();
    table(&rows)
}

pub(super) fn folded(title: &str, content: &Markup) -> Markup {
    html! { details { summary { (title) } (content) } }
}

pub(super) fn again(command: &str) -> Markup {
    html! { h2 { "Run it again" } pre.command { code { (command) } } p { "The same seed gives the same numbers, to the bit, on any number of threads." } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_are_not_rounded_to_nothing() {
        let mut history = History::default();
        history.push(0, [("loss".to_owned(), 8.2e-8), ("val_loss".to_owned(), 0.123_456)].into());
        let page = epochs(&history).into_string();
        assert!(page.contains("<td>8.2e-8</td>") && page.contains("<td>0.1235</td>"), "{page}");
    }
}
