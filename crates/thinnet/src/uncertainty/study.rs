//! Everything that this module measures, of some models on some data.

use super::{Ensemble, Forecast, Measures, Predictive, Rejection, Reliability, Sampling, Temperature, auroc};
use crate::data::{Data, Features};
use crate::error::{Error, Result};
use crate::model::Sequential;

/// What the models are measured on.
#[derive(Clone, Debug)]
pub struct StudyData<'a> {
    /// What temperatures are fitted to: the models must not have been trained on it.
    pub validation: Data<'a>,
    /// What everything is measured on.
    pub test: Data<'a>,
    /// Inputs of another kind, which a model should be unsure of.
    pub unknown: Option<Features<'a>>,
}

/// Ways to predict, side by side.
#[derive(Clone, Debug)]
pub struct Study {
    /// `deterministic` (dropout off), `MC dropout` where there is dropout, `ensemble` where there are several models.
    pub methods: Vec<Method>,
    /// How many models.
    pub models: usize,
    /// How many thinned networks; none where a model has no dropout.
    pub samples: Option<usize>,
    /// How many samples there are: to fit temperatures to, to measure on, of another kind.
    pub counts: [usize; 3],
}

/// A way to predict.
#[derive(Clone, Debug)]
pub struct Method {
    /// Its name.
    pub name: &'static str,
    /// What came of it, a model each; for the ensemble one.
    pub runs: Vec<Assessment>,
}

/// What came of a way to predict.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// As the model says it.
    pub measures: Measures,
    /// The temperature fitted to validation data.
    pub temperature: Temperature,
    /// At that temperature.
    pub scaled: Measures,
    /// The reliability diagrams before and after.
    pub reliability: [Reliability; 2],
    /// The predictive entropy as a sign of doubt.
    pub entropy: Signal,
    /// The mutual information as one; none for a single network.
    pub information: Option<Signal>,
}

/// A measure of uncertainty, and what it is good for.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Of each test sample.
    pub known: Vec<f64>,
    /// Of each input of another kind.
    pub unknown: Vec<f64>,
    /// How well it tells the latter from the former, see [`auroc`]; none without any.
    pub auroc: Option<f64>,
    /// What is won by rejecting where it is high.
    pub rejection: Rejection,
}

impl Study {
    /// Measures models, one alone or several of one kind that were trained apart. `watch` is told what is being done, and may
    /// end it with an error.
    ///
    /// ```
    /// use ndarray::{Array1, Array2};
    /// use thinnet::prelude::*;
    /// use thinnet::uncertainty::{Study, StudyData};
    ///
    /// let model = Sequential::new()
    ///     .add(Dropout::new(0.5).input_shape([4]))
    ///     .add(Dense::new(3).activation(Softmax));
    /// let (x, y) = (Array2::<f32>::ones((30, 4)), Array1::from_shape_fn(30, |sample| (sample % 3) as u8));
    /// let data = StudyData {
    ///     validation: (&x, &y).into(),
    ///     test: (&x, &y).into(),
    ///     unknown: None,
    /// };
    /// let study = Study::run([model], &data, 20, &mut |_| Ok(()))?;
    /// let names: Vec<_> = study.methods.iter().map(|method| method.name).collect();
    /// assert_eq!(names, ["deterministic", "MC dropout"]);
    /// # Ok::<(), thinnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the data do not fit the models, or these do not say of each input one class; and those of `watch`.
    pub fn run(
        models: impl IntoIterator<Item = Sequential>,
        data: &StudyData,
        sampling: impl Into<Sampling>,
        watch: &mut dyn FnMut(&str) -> Result<()>,
    ) -> Result<Self> {
        let sampling = sampling.into();
        check(data)?;
        let mut ensemble = Ensemble::new(models)?;
        let count = ensemble.models().len();
        let mut is_stochastic = true;
        for model in ensemble.models() {
            is_stochastic &= model.is_stochastic()?;
        }
        let mut methods = Vec::new();
        let of = |index: usize| format!("model {} of {count}", index + 1);
        let mut runs = Vec::new();
        for (index, model) in ensemble.models().iter_mut().enumerate() {
            let mut predict = |x: &Features, watch: &mut dyn FnMut(&str) -> Result<()>| {
                watch(&of(index))?;
                model.predictive(x)
            };
            runs.push(assess(data, &mut predict, watch)?);
        }
        methods.push(Method { name: "deterministic", runs });
        if is_stochastic {
            let mut runs = Vec::new();
            for (index, model) in ensemble.models().iter_mut().enumerate() {
                let mut predict = |x: &Features, watch: &mut dyn FnMut(&str) -> Result<()>| {
                    let mut sample = 0;
                    model.predict_mc_each(x, sampling, |_| {
                        sample += 1;
                        watch(&format!("{}, thinned network {sample} of {}", of(index), sampling.samples()))
                    })
                };
                runs.push(assess(data, &mut predict, watch)?);
            }
            methods.push(Method { name: "MC dropout", runs });
        }
        if count > 1 {
            let mut predict = |x: &Features, watch: &mut dyn FnMut(&str) -> Result<()>| {
                watch("the ensemble")?;
                ensemble.predict(x)
            };
            let run = assess(data, &mut predict, watch)?;
            methods.push(Method { name: "ensemble", runs: vec![run] });
        }
        let unknown = data.unknown.as_ref().map_or(0, Features::len);
        let counts = [data.validation.len(), data.test.len(), unknown];
        Ok(Self { methods, models: count, samples: is_stochastic.then(|| sampling.samples()), counts })
    }
}

fn check(data: &StudyData) -> Result<()> {
    for (part, name) in [(&data.validation, "validation"), (&data.test, "test")] {
        part.check()?;
        if part.is_empty() {
            return Err(Error::Data(format!("there are no {name} samples")));
        }
    }
    match data.unknown.as_ref().is_some_and(Features::is_empty) {
        true => Err(Error::Data("there are no samples of another kind".into())),
        false => Ok(()),
    }
}

type Predict<'a> = dyn FnMut(&Features, &mut dyn FnMut(&str) -> Result<()>) -> Result<Predictive> + 'a;

fn assess(
    data: &StudyData,
    predict: &mut Predict,
    watch: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Assessment> {
    let validation = predict(&data.validation.x, watch)?;
    let temperature = Temperature::fit(&Forecast::of(&validation, &data.validation.y)?);
    let test = predict(&data.test.x, watch)?;
    let unknown = data.unknown.as_ref().map(|x| predict(x, watch)).transpose()?;
    let forecast = Forecast::of(&test, &data.test.y)?;
    let scaled = temperature.apply(&forecast);
    let right: Vec<bool> = forecast.decisions().map(|(_, right)| right).collect();
    let signal = |of: &dyn Fn(&Predictive) -> Result<ndarray::Array1<f64>>| {
        let known = of(&test)?.to_vec();
        let unknown = unknown.as_ref().map(of).transpose()?.map_or_else(Vec::new, |values| values.to_vec());
        let auroc = if unknown.is_empty() { None } else { Some(auroc(&known, &unknown)?) };
        Ok::<_, Error>(Signal { rejection: Rejection::new(&known, &right)?, known, unknown, auroc })
    };
    let information = match test.networks() {
        1 => None,
        _ => Some(signal(&Predictive::mutual_information)?),
    };
    Ok(Assessment {
        measures: forecast.measures(),
        temperature,
        scaled: scaled.measures(),
        reliability: [&forecast, &scaled].map(|forecast| Reliability::new(forecast, Reliability::BINS)),
        entropy: signal(&Predictive::entropy)?,
        information,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use ndarray::{Array1, Array2};

    fn model(seed: u64, rate: f64) -> Sequential {
        Sequential::new()
            .seed(seed)
            .add(Dense::new(8).activation(Relu).input_shape([4]))
            .add(Dropout::new(rate))
            .add(Dense::new(3).activation(Softmax))
    }

    #[test]
    fn methods_depend_on_what_the_models_have() {
        let x = Array2::from_shape_fn((40, 4), |(i, j)| ((i * 5 + j * 3) % 7) as f32 / 7.0);
        let y = Array1::from_shape_fn(40, |i| (i * 5 % 7 % 3) as u8);
        let unknown = &x * 100.0;
        let known = Data::from((&x, &y));
        let data = StudyData {
            validation: known.slice(0..20),
            test: known.slice(20..40),
            unknown: Some((&unknown).into()),
        };
        let names = |models: Vec<Sequential>| {
            let study = Study::run(models, &data, 5, &mut |_| Ok(())).unwrap();
            study.methods.iter().map(|method| (method.name, method.runs.len())).collect::<Vec<_>>()
        };
        assert_eq!(names(vec![model(1, 0.5)]), [("deterministic", 1), ("MC dropout", 1)]);
        let all = [("deterministic", 2), ("MC dropout", 2), ("ensemble", 1)];
        assert_eq!(names(vec![model(1, 0.5), model(2, 0.5)]), all);
        assert_eq!(names(vec![model(1, 0.0), model(2, 0.5)]), [("deterministic", 2), ("ensemble", 1)]);

        let study = Study::run([model(1, 0.5)], &data, 5, &mut |_| Ok(())).unwrap();
        let [plain, sampled] = &study.methods[..] else { panic!("two methods") };
        assert!(plain.runs[0].information.is_none());
        let information = sampled.runs[0].information.as_ref().unwrap();
        assert_eq!((information.known.len(), information.unknown.len()), (20, 40));
        assert!((0.0..=1.0).contains(&information.auroc.unwrap()));
        let run = &plain.runs[0];
        assert_eq!(run.measures.accuracy, run.scaled.accuracy);
        let stopped = Study::run([model(1, 0.5)], &data, 5, &mut |_| Err(Error::Interrupted));
        assert!(matches!(stopped, Err(Error::Interrupted)));
    }

    #[test]
    fn data_that_cannot_be_measured_on_are_explained() {
        let (x, y) = (Array2::<f32>::ones((4, 4)), Array1::<f32>::from_elem(4, 0.5));
        let data = StudyData { validation: (&x, &y).into(), test: (&x, &y).into(), unknown: None };
        let message = Study::run([model(1, 0.5)], &data, 5, &mut |_| Ok(())).unwrap_err().to_string();
        assert_eq!(message, "expected class numbers or one-hot rows as labels, got other values");
    }
}
