//! Where the time of training steps went, as text, JSON and a trace.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::aligned;
use crate::engine::{Profile, Work};
use crate::error::{Error, Result};
use crate::files::write_whole;

/// What a layer does, by the name that tables have for it.
const OF_LAYER: [(&str, OfLayer); 4] = [
    ("prepare", Work::Prepare),
    ("forward", Work::Forward),
    ("backward", Work::Backward),
    ("gradient", Work::Gradient),
];

/// The work of a layer, given its number.
type OfLayer = fn(usize) -> Work;

impl Profile {
    /// The mean of the middle half of the steps, the shorter and the longer quarter left out: sums of parts are then the
    /// whole, as with any mean, but a step in which the machine did something else does not count.
    fn middle(&self, of_steps: &[f64]) -> f64 {
        let lengths = self.step_seconds();
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by(|&a, &b| lengths[a].total_cmp(&lengths[b]));
        let middle = &order[order.len() / 4..order.len() - order.len() / 4];
        middle.iter().map(|&step| of_steps[step]).sum::<f64>() / middle.len().max(1) as f64
    }

    /// Milliseconds of a step that its threads spent on this, divided by their number, so that all work adds up to a step.
    fn milliseconds(&self, work: Work) -> f64 {
        self.middle(&self.seconds(work)) / self.threads() as f64 * 1e3
    }

    /// The parts of a step, which add up to it.
    fn parts(&self) -> Vec<(&'static str, f64)> {
        let of_layers =
            |work: OfLayer| (0..self.layers().len()).map(|layer| self.milliseconds(work(layer))).sum::<f64>();
        let mut parts = vec![
            ("waiting for augmented samples", self.middle(&self.waiting_seconds()) * 1e3),
            ("gathering samples", self.milliseconds(Work::Gather)),
            ("packing weights", of_layers(Work::Prepare)),
            ("forward", of_layers(Work::Forward)),
            ("loss and metrics", self.milliseconds(Work::Loss)),
            ("backward, by inputs", of_layers(Work::Backward)),
            ("backward, by variables", of_layers(Work::Gradient)),
            ("optimizer", self.milliseconds(Work::Optimizer)),
        ];
        let rest = self.middle(&self.step_seconds()) * 1e3 - parts.iter().map(|(_, part)| part).sum::<f64>();
        parts.push(("threads waiting for each other", rest.max(0.0)));
        parts
    }

    /// Tables of a step, of its parts and of the layers.
    ///
    /// Times are means of the middle half of the steps in milliseconds, those of several threads divided by their number, so
    /// that they add up to a step. `gradient` is a layer's gradient by its variables, `backward` that by its input, of
    /// convolutions both; `prepare` is packing its weights.
    pub fn table(&self) -> String {
        let steps = sorted(self.step_seconds());
        let Some((least, most)) = steps.first().zip(steps.last()) else { return "no steps\n".into() };
        let step = self.middle(&self.step_seconds()) * 1e3;
        let plural =
            |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let mut text = format!(
            "A step takes {:.3} ms (median; from {:.3} to {:.3}): {} of {}, {}.\n\n",
            median(&steps) * 1e3,
            least * 1e3,
            most * 1e3,
            plural(steps.len(), "step"),
            plural(self.batch_size(), "sample"),
            plural(self.threads(), "thread"),
        );
        let cells = |name: &str, values: &[f64]| {
            let share = values.last().map(|sum| format!("{:.1} %", 100.0 * sum / step));
            std::iter::once(name.to_owned())
                .chain(values.iter().map(|value| format!("{value:.3}")))
                .chain(share)
                .collect::<Vec<_>>()
        };
        let head = |titles: &[&str]| titles.iter().map(|&title| title.to_owned()).collect::<Vec<_>>();
        let mut rows = vec![head(&["part of a step", "ms", "share"])];
        rows.extend(self.parts().iter().map(|(name, part)| cells(name, &[*part])));
        text += &aligned(&rows);
        text.push('\n');
        let mut rows =
            vec![head(&["layer", "prepare", "forward", "backward", "gradient", "sum, ms", "share"])];
        for (layer, name) in self.layers().iter().enumerate() {
            let mut values: Vec<f64> =
                OF_LAYER.iter().map(|(_, work)| self.milliseconds(work(layer))).collect();
            values.push(values.iter().sum());
            rows.push(cells(name, &values));
        }
        text + &aligned(&rows)
    }

    /// The same numbers as JSON; layers in their order.
    pub fn to_json(&self) -> Value {
        let steps = sorted(self.step_seconds());
        let layer = |(layer, name): (usize, &String)| {
            let mut row = json!({"layer": name});
            for (key, work) in OF_LAYER {
                row[format!("{key}_ms")] = json!(self.milliseconds(work(layer)));
            }
            row
        };
        let parts: Vec<_> =
            self.parts().iter().map(|(name, part)| json!({"part": name, "ms": part})).collect();
        json!({
            "steps": steps.len(),
            "batch": self.batch_size(),
            "threads": self.threads(),
            "kernels": crate::kernels(),
            "ms_per_step": {
                "min": steps.first().map(|step| step * 1e3),
                "median": (!steps.is_empty()).then(|| median(&steps) * 1e3),
                "max": steps.last().map(|step| step * 1e3),
            },
            "parts": parts,
            "layers": self.layers().iter().enumerate().map(layer).collect::<Vec<_>>(),
        })
    }

    /// Writes the pieces of work as trace events, which Perfetto (<https://ui.perfetto.dev>) and Chrome's `chrome://tracing`
    /// show: a row for each thread, and one for the steps.
    ///
    /// # Errors
    /// Where the pieces were not kept ([`keep_spans`](Self::keep_spans)), or the file cannot be written.
    pub fn trace(&self, path: impl AsRef<Path>) -> Result<()> {
        if self.spans().is_empty() {
            return Err(Error::Usage(
                "the profile holds no pieces of work: ask for them with keep_spans()".into(),
            ));
        }
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let row = |thread: usize, name: String| json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": thread, "args": {"name": name}});
        let event = |name: &str, category: &str, thread: usize, start: Duration, length: Duration| {
            json!({"name": name, "cat": category, "ph": "X", "pid": 1, "tid": thread, "ts": micros(start),
                "dur": micros(length)})
        };
        let steps = self.threads();
        let rows = (0..steps).map(|thread| row(thread, format!("thread {thread}")));
        let mut events: Vec<Value> = rows.chain([row(steps, "steps".into())]).collect();
        for (index, [begin, waited, length]) in self.step_spans().enumerate() {
            events.push(event(&format!("step {index}"), "step", steps, begin, length));
            if waited > Duration::from_micros(1) {
                events.push(event("waiting for augmented samples", "data", steps, begin, waited));
            }
        }
        for span in self.spans() {
            let of_layer = |layer: usize, what| (format!("{} {what}", self.layers()[layer]), what);
            let (name, category) = match span.work {
                Work::Gather => ("gathering samples".into(), "data"),
                Work::Loss => ("loss and metrics".into(), "loss"),
                Work::Optimizer => ("optimizer".into(), "optimizer"),
                Work::Prepare(layer) => of_layer(layer, "prepare"),
                Work::Forward(layer) => of_layer(layer, "forward"),
                Work::Backward(layer) => of_layer(layer, "backward"),
                Work::Gradient(layer) => of_layer(layer, "gradient"),
            };
            events.push(event(&name, category, span.thread, span.start, span.length));
        }
        write_whole(path, |out| {
            serde_json::to_writer(&mut *out, &json!({"displayTimeUnit": "ms", "traceEvents": events}))?;
            out.write_all(b"\n")
        })
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array4};

    use super::*;
    use crate::prelude::*;

    fn profiled(threads: usize, profile: Option<&mut Profile>) -> History {
        let x =
            Array4::from_shape_fn((96, 12, 12, 3), |(i, a, b, c)| ((i * 7 + a * 5 + b * 3 + c) % 13) as f32);
        let y = Array1::from_shape_fn(96, |i| (i % 5) as u8);
        let mut model = Sequential::new()
            .threads(threads)
            .add(Conv2D::new(16, 3).input_shape([12, 12, 3]))
            .add(BatchNormalization::new())
            .add(Residual::new().add(Conv2D::new(16, 3).padding("same").activation(Relu)))
            .add(SpatialDropout2D::new(0.2))
            .add(Flatten::new())
            .add(Dense::new(5).activation(Softmax).kernel_constraint(MaxNorm::new(2.0)));
        model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"]).unwrap();
        let fit = Fit::new().batch_size(32).verbose(false);
        let fit = match profile {
            Some(profile) => fit.profile(profile),
            None => fit,
        };
        model.fit((&x, &y), fit).unwrap()
    }

    #[test]
    fn training_gives_the_same_bits_with_a_profile() {
        let mut profile = Profile::new().keep_spans();
        assert_eq!(profiled(2, Some(&mut profile)), profiled(2, None));
        assert_eq!((profile.step_seconds().len(), profile.batch_size(), profile.threads()), (3, 32, 2));
        let names = ["conv2d", "batch_normalization", "residual", "residual/conv2d", "spatial_dropout2d"];
        assert_eq!(profile.layers()[..5], names);
    }

    #[test]
    fn every_layer_s_work_is_noted_and_adds_up_to_the_step() {
        let mut profile = Profile::new().keep_spans();
        profiled(1, Some(&mut profile));
        let spent = |work| profile.seconds(work).iter().all(|&seconds| seconds > 0.0);
        // Layers with variables; Flatten has no work.
        for layer in [0, 1, 3, 6] {
            assert!(spent(Work::Forward(layer)), "{layer}");
            assert!(spent(Work::Gradient(layer)), "{layer}");
        }
        assert!(!spent(Work::Backward(0)), "nobody needs the gradient by the model's input");
        for work in [Work::Backward(1), Work::Backward(3), Work::Backward(4), Work::Backward(6)] {
            assert!(spent(work), "{work:?}");
        }
        assert!(spent(Work::Gather) && spent(Work::Loss) && spent(Work::Optimizer));
        let noted: Duration = profile.spans().iter().map(|span| span.length).sum();
        let steps: Duration = profile.step_spans().map(|[_, _, length]| length).sum();
        assert!(noted < steps, "one thread cannot work for {noted:?} in {steps:?}");
        let parts: f64 = profile.parts().iter().map(|(_, part)| part).sum();
        assert!((parts - profile.middle(&profile.step_seconds()) * 1e3).abs() < 1e-6 * parts);
    }

    #[test]
    fn one_thread_s_pieces_do_not_overlap_and_the_first_steps_can_be_left_out() {
        let mut profile = Profile::new().keep_spans();
        profiled(2, Some(&mut profile));
        for thread in 0..2 {
            let mut own: Vec<_> = profile.spans().iter().filter(|span| span.thread == thread).collect();
            own.sort_by_key(|span| span.start);
            assert!(own.windows(2).all(|pair| pair[0].start + pair[0].length <= pair[1].start));
        }
        let all = profile.spans().len();
        profile.skip(1);
        assert_eq!(profile.step_seconds().len(), 2);
        assert!(profile.spans().len() < all);
        let folder = tempfile::tempdir().unwrap();
        profile.trace(folder.path().join("trace.json")).unwrap();
        let text = std::fs::read_to_string(folder.path().join("trace.json")).unwrap();
        let trace: Value = serde_json::from_str(&text).unwrap();
        // A name for each of two threads and the steps, two steps, and the pieces.
        assert!(trace["traceEvents"].as_array().unwrap().len() >= 3 + 2 + profile.spans().len());
        profile.skip(9);
        assert_eq!((profile.table(), profile.spans().len()), ("no steps\n".into(), 0));
    }
}
