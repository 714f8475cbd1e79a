//! The tutorial's "Complete Training Example with MNIST": two models, with and without dropout, and their curves.

use thinnet::prelude::*;
use thinnet::report::{Curves, Run};

/// As printed: without dropout, each `Dropout` is replaced by another `Dense`, so that the two networks differ in depth.
fn create_model(use_dropout: bool) -> thinnet::Result<Sequential> {
    let mut model =
        Sequential::new().add(Flatten::new().input_shape([28, 28])).add(Dense::new(128).activation(Relu));
    model =
        if use_dropout { model.add(Dropout::new(0.2)) } else { model.add(Dense::new(128).activation(Relu)) };
    model = model.add(Dense::new(64).activation(Relu));
    model =
        if use_dropout { model.add(Dropout::new(0.3)) } else { model.add(Dense::new(64).activation(Relu)) };
    model = model.add(Dense::new(10).activation(Softmax));
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    Ok(model)
}

fn main() -> thinnet::Result<()> {
    let mnist = datasets::mnist()?;
    let fit = || Fit::new().epochs(10).batch_size(128).validation_split(0.2);

    let mut with_dropout = create_model(true)?;
    let history_with = with_dropout.fit(&mnist.train, fit())?;
    let mut without_dropout = create_model(false)?;
    let history_without = without_dropout.fit(&mnist.train, fit())?;

    let runs = [
        Run { name: "with dropout".into(), histories: vec![&history_with] },
        Run { name: "without dropout".into(), histories: vec![&history_without] },
    ];
    Curves::new(&runs).write("curves.svg")?;

    println!("Test accuracy with dropout: {:.4}", with_dropout.evaluate(&mnist.test)?["accuracy"]);
    println!("Test accuracy without dropout: {:.4}", without_dropout.evaluate(&mnist.test)?["accuracy"]);
    Ok(())
}
