//! The measures of models that were trained with several seeds, side by side with their intervals.

use super::figure::{Across, Figure, Joined, Panel, Point, Points};
use super::pairs::Measure;
use super::{Comparison, ModelRuns};

impl Comparison {
    /// Test accuracy (without it, test loss) and the gap between training and validation of each model, as means with
    /// 95 % intervals. `None` where there are no intervals, or nothing was measured.
    pub(super) fn measures(&self) -> Option<Figure> {
        if self.models.len() < 2 || self.models.iter().any(|model| model.runs.len() < 2) {
            return None;
        }
        let known = |measure: &Measure| self.models.iter().all(|model| finite(measure, model).is_some());
        let first = [Measure::TEST_ACCURACY, Measure::TEST_LOSS].into_iter().find(known)?;
        let measures = [first].into_iter().chain(Some(Measure::GAP).filter(known));
        Some(Figure {
            title: self.extremes(&first)?,
            panels: measures.map(|measure| self.panel(&measure)).collect(),
            names: self.models.iter().map(|model| model.name.clone()).collect(),
            phases: false,
        })
    }

    fn panel(&self, measure: &Measure) -> Panel {
        let of_model = |(color, model): (usize, &ModelRuns)| Points {
            label: model.name.clone(),
            color,
            joined: Joined::Not,
            points: finite(measure, model).map(|mean| Point::new(color as f64, mean)).into_iter().collect(),
        };
        let names = self.models.iter().map(|model| model.name.clone()).collect();
        Panel {
            name: measure.name.into(),
            across: Across::Choices("model".into(), names),
            points: self.models.iter().enumerate().map(of_model).collect(),
            ..Panel::default()
        }
    }

    /// Which models have the highest and the lowest mean.
    fn extremes(&self, measure: &Measure) -> Option<String> {
        let means = self.models.iter().map(|model| Some((finite(measure, model)?.0, model.name.as_str())));
        let means = means.collect::<Option<Vec<(f64, &str)>>>()?;
        let order = |a: &&(f64, &str), b: &&(f64, &str)| a.0.total_cmp(&b.0);
        let (low, high) = (means.iter().min_by(order)?, means.iter().max_by(order)?);
        Some(format!(
            "Mean {} over {} seeds: highest for “{}” ({:.4}), lowest for “{}” ({:.4})",
            measure.name,
            self.models[0].runs.len(),
            high.1,
            high.0,
            low.1,
            low.0
        ))
    }
}

fn finite(measure: &Measure, model: &ModelRuns) -> Option<(f64, f64)> {
    measure.mean(model).filter(|(mean, _)| mean.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::History;
    use crate::report::RunResult;

    fn model(name: &str, accuracies: &[f64]) -> ModelRuns {
        let run = |&accuracy: &f64| RunResult {
            seed: 0,
            history: History::default(),
            test: [("accuracy".to_owned(), accuracy)].into(),
            seconds: 1.0,
        };
        ModelRuns { name: name.into(), summary: String::new(), runs: accuracies.iter().map(run).collect() }
    }

    fn title(models: Vec<ModelRuns>) -> Option<String> {
        let comparison = Comparison { models, data: String::new(), command: String::new() };
        let figure = comparison.measures()?;
        assert_eq!(figure.panels.len(), 1, "without validation there is no gap");
        Some(figure.title)
    }

    #[test]
    fn the_title_says_which_is_highest_and_there_is_nothing_to_draw_without_intervals() {
        let both = title(vec![model("a", &[0.97, 0.971, 0.972]), model("b", &[0.981, 0.982, 0.983])]);
        let expected = "Mean test accuracy over 3 seeds: highest for “b” (0.9820), lowest for “a” (0.9710)";
        assert_eq!(both.as_deref(), Some(expected));
        assert_eq!(title(vec![model("a", &[0.96]), model("b", &[0.97])]), None);
        assert_eq!(title(vec![model("a", &[f64::NAN; 2]), model("b", &[0.97; 2])]), None);
    }
}
