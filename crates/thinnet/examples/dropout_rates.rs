//! The tutorial's "Best Practices", 1: lower rates near the input, higher ones in the middle.

use thinnet::prelude::*;

fn main() -> thinnet::Result<()> {
    let mnist = datasets::mnist()?;
    let mut model = Sequential::new()
        .add(Flatten::new().input_shape([28, 28]))
        .add(Dense::new(128).activation(Relu))
        .add(Dropout::new(0.2))
        .add(Dense::new(256).activation(Relu))
        .add(Dropout::new(0.4))
        .add(Dense::new(128).activation(Relu))
        .add(Dropout::new(0.3))
        .add(Dense::new(10).activation(Softmax));
    println!("{}", model.summary());
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&mnist.train, Fit::new().epochs(3).batch_size(128).validation_split(0.2))?;
    println!("test accuracy {:.4}", model.evaluate(&mnist.test)?["accuracy"]);
    Ok(())
}
