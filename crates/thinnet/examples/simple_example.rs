//! The tutorial's "Simple Example": a small network with dropout.

use thinnet::prelude::*;

fn main() -> thinnet::Result<()> {
    let mnist = datasets::mnist()?;
    let mut model = Sequential::new()
        .add(Flatten::new().input_shape([28, 28]))
        .add(Dense::new(128).activation(Relu))
        .add(Dropout::new(0.2)) // 20 % dropout rate
        .add(Dense::new(64).activation(Relu))
        .add(Dropout::new(0.3)) // 30 % dropout rate
        .add(Dense::new(10).activation(Softmax));
    println!("{}", model.summary());
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;
    model.fit(&mnist.train, Fit::new().epochs(3).batch_size(128).validation_split(0.2))?;
    println!("test accuracy {:.4}", model.evaluate(&mnist.test)?["accuracy"]);
    Ok(())
}
