//! Classes, confusions and mistakes on a page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::{Classes, Mistake};
use crate::data::Features;

/// A larger matrix is nothing to look at.
const MOST_CLASSES: usize = 30;

/// The accuracy within each class, and the confusion matrix.
pub(in crate::report) fn details(runs: &[Classes]) -> Markup {
    let mut accuracies = Classes::accuracies(runs);
    accuracies.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
    let total = Classes::total(runs);
    let names: &[String] = runs.first().map_or(&[], |run| &run.names);
    html! {
        h3 { "How well is each class told?" }
        div.scroll { table.classes {
            thead { tr { th scope="col" { "class" } th {} th scope="col" { "accuracy" } th scope="col" { "95 % interval" } th scope="col" { "samples" } } }
            tbody { @for class in &accuracies { tr {
                th scope="row" { (class.name) }
                td { (bar(class.accuracy, class.interval)) }
                td { (format!("{:.3}", class.accuracy)) }
                td { (format!("{:.3} to {:.3}", class.interval.0, class.interval.1)) }
                td { (class.samples) }
            } } }
        } }
        p.quiet {
            @if runs.len() > 1 { "The mean over " (runs.len()) " seeds; the line is the 95 % interval of that mean." }
            @else { "The line is the 95 % interval that follows from the number of samples. Classes whose intervals meet may have changed places by chance." }
        }
        h3 { "What is taken for what?" }
        @if names.len() > MOST_CLASSES {
            p { "The confusion matrix of " (names.len()) " classes stands in confusion.csv." }
        } @else {
            div.scroll { table.confusion {
                thead {
                    tr { td {} th scope="colgroup" colspan=(names.len()) { "what the model said" } }
                    tr { th scope="col" { "what it is" } @for name in names { th scope="col" { span { (name) } } } }
                }
                tbody { @for (label, row) in total.outer_iter().enumerate() {
                    @let of = row.sum().max(1);
                    tr {
                        th scope="row" { (names[label]) }
                        @for (predicted, &count) in row.iter().enumerate() {
                            @let share = count as f64 / of as f64;
                            td class=(if label == predicted { "right" } else { "wrong" })
                                style=(format!("--share:{:.3}", strength(share, label == predicted)))
                                title=(format!("“{}” taken for “{}”: {count} of {}, {:.1} %", names[label], names[predicted], row.sum(), 100.0 * share)) {
                                @if count == 0 { span.none { "0" } } @else { (count) }
                            }
                        }
                    }
                } }
            } }
            p.quiet {
                "Test samples" @if runs.len() > 1 { ", summed over the seeds" } ": a row for what they are, a column for what the model said. "
                "Blue: right, orange: wrong; the stronger, the larger the share of the row (orange three times as strong). The same numbers stand in confusion.csv."
            }
        }
    }
}

/// How strong a cell's colour is, from 0 to 1: mistakes are rare, and shown stronger.
fn strength(share: f64, right: bool) -> f64 {
    if right { share } else { (share * 3.0).min(1.0) }
}

/// A bar of a share, with its interval.
fn bar(share: f64, (low, high): (f64, f64)) -> Markup {
    let x = |share: f64| format!("{:.1}", share * 200.0);
    html! {
        svg viewBox="0 0 200 14" aria-hidden="true" {
            rect x="0" y="2" width="200" height="10" class="track" {}
            rect x="0" y="2" width=(x(share)) height="10" fill="#0072B2" {}
            line x1=(x(low)) x2=(x(high)) y1="7" y2="7" class="whisker" {}
            @for end in [low, high] { line x1=(x(end)) x2=(x(end)) y1="3" y2="11" class="whisker" {} }
        }
    }
}

/// The mistakes that the model was surest of: each sample's picture, what it is and what the model said. Nothing where the
/// samples are no pictures.
pub(in crate::report) fn mistakes(classes: &Classes, x: &Features<'_>) -> Markup {
    let name = |class: usize| classes.names[class].as_str();
    let shown = |mistake: &Mistake| {
        let png = picture(x, mistake.sample)?;
        Some((*mistake, format!("data:image/png;base64,{}", STANDARD.encode(png))))
    };
    let pictures: Vec<(Mistake, String)> = classes.mistakes.iter().filter_map(shown).collect();
    html! {
        @if !pictures.is_empty() {
            h3 { "Where it was surest, and wrong" }
            p { "The test samples with the most probable of all wrong answers. Some may be mislabelled or show more than one thing: look at them before blaming the model." }
            ul.mistakes { @for (mistake, uri) in &pictures { li {
                img src=(uri) alt=(format!("test sample {}", mistake.sample));
                strong { (name(mistake.label)) }
                span { "“" (name(mistake.predicted)) "”, " (percent(mistake.probability)) }
                span.quiet { "right answer: " (percent(mistake.of_label)) }
                span.quiet { "test sample " (mistake.sample) }
            } } }
            p.quiet { "In bold what it is; below what the model said and with which probability, and the probability that it gave to the right answer." }
        }
    }
}

/// A sample as a PNG file: values from 0 to 1, one channel or three.
fn picture(x: &Features, sample: usize) -> Option<Vec<u8>> {
    let (height, width, color) = match *x.sample_shape().axes() {
        [height, width] | [height, width, 1] => (height, width, png::ColorType::Grayscale),
        [height, width, 3] => (height, width, png::ColorType::Rgb),
        _ => return None,
    };
    let mut values = vec![0.0; x.sample_shape().len()];
    x.gather(sample, &mut values);
    let bytes: Vec<u8> = values.iter().map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    encoder.set_color(color);
    encoder.write_header().ok()?.write_image_data(&bytes).ok()?;
    Some(file)
}

/// A probability, never rounded to a certainty that it is not.
fn percent(probability: f32) -> String {
    match f64::from(probability) * 100.0 {
        percent if percent < 0.1 => "<\u{a0}0.1\u{a0}%".into(),
        percent if percent > 99.9 => ">\u{a0}99.9\u{a0}%".into(),
        percent => format!("{percent:.1}\u{a0}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, Array4, array};

    #[test]
    fn probabilities_are_never_rounded_to_certainty() {
        let expected = ["< 0.1 %", "50.0 %", "99.9 %", "> 99.9 %", "> 99.9 %"];
        assert_eq!(
            [0.0001, 0.5, 0.998_96, 0.9999, 1.0].map(|value| percent(value).replace('\u{a0}', " ")),
            expected
        );
    }

    #[test]
    fn pictures_are_part_of_the_page_and_names_are_escaped() {
        let names = ["<cat>".to_owned(), "dog".to_owned()];
        let probabilities = array![[0.25_f32, 0.75], [0.5, 0.5]];
        let classes = Classes::new(probabilities.view(), &[0, 0], &names).unwrap();
        let pictures = Array4::<f32>::zeros((2, 4, 4, 3));
        let page = mistakes(&classes, &Features::from(&pictures)).into_string().replace('\u{a0}', " ");
        assert_eq!(page.matches("src=\"data:image/png;base64,iVBORw0KGgo").count(), 1, "{page}");
        assert!(page.contains("75.0 %") && page.contains("right answer: 25.0 %"), "{page}");
        assert!(page.contains("&lt;cat&gt;") && !page.contains("<cat>"), "{page}");
        let flat = Array2::<f32>::zeros((2, 5));
        assert_eq!(mistakes(&classes, &Features::from(&flat)).into_string(), "");
        let page = details(&[classes]).into_string();
        assert!(page.contains("“&lt;cat&gt;” taken for “dog”: 1 of 2, 50.0 %"), "{page}");
    }
}
