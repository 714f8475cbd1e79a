//! The tutorial's "Spatial Dropout for CNN Models": whole feature maps are dropped in place of single values.

use thinnet::prelude::*;

fn main() -> thinnet::Result<()> {
    let mnist = datasets::mnist()?;
    let mut cnn_model = Sequential::new()
        .add(Conv2D::new(32, 3).activation(Relu).input_shape([28, 28, 1]))
        .add(SpatialDropout2D::new(0.2)) // drops entire feature maps
        .add(MaxPooling2D::new(2))
        .add(Conv2D::new(64, 3).activation(Relu))
        .add(SpatialDropout2D::new(0.3))
        .add(MaxPooling2D::new(2))
        .add(Flatten::new())
        .add(Dense::new(128).activation(Relu))
        .add(Dropout::new(0.4)) // ordinary dropout for dense layers
        .add(Dense::new(10).activation(Softmax));
    println!("{}", cnn_model.summary());
    cnn_model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;

    // The tutorial ends here. An epoch on a tenth of the digits, so that there is something to see:
    let images = |data: Data<'static>| {
        let x = data.x.reshaped([28, 28, 1]).expect("a digit is 28×28 pixels of one channel");
        Data { x, y: data.y }
    };
    let (train, test) = (images(mnist.train.take(6_000)), images(mnist.test.take(1_000)));
    cnn_model.fit(&train, Fit::new().epochs(1).batch_size(128).validation_split(0.2))?;
    println!("test accuracy {:.4}", cnn_model.evaluate(&test)?["accuracy"]);
    Ok(())
}
