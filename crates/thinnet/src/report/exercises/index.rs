//! The page that leads to all exercises.

use std::path::Path;

use maud::html;

use crate::error::Result;
use crate::files::write_whole;
use crate::report::html::{again, page};

/// An exercise and what came of it.
#[derive(Clone, Debug)]
pub struct ExerciseLink {
    /// Its title.
    pub title: String,
    /// Its report, relative to the page.
    pub report: String,
    /// What happened, in whole sentences.
    pub sentences: Vec<String>,
}

/// Writes `report.html` with a link to each exercise into a folder.
///
/// # Errors
/// Where the file cannot be written.
pub fn exercise_index(exercises: &[ExerciseLink], command: &str, folder: &Path) -> Result<()> {
    let body = html! {
        @for exercise in exercises {
            h2 { a href=(exercise.report) { (exercise.title) } }
            ul { @for sentence in &exercise.sentences { li { (sentence) } } }
        }
        (again(command))
    };
    let page = page("The tutorial's exercises", &body);
    write_whole(folder.join("report.html"), |out| out.write_all(page.as_bytes()))
}
