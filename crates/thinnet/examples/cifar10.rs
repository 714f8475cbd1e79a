//! The tutorial's "Real-World Application: Image Classification with Dropout": a convolutional network with dropout and image
//! augmentation on CIFAR-10; here on the embedded sample of it, for two epochs. For all of it: `datasets::load("cifar10")` and
//! 20 epochs.

use thinnet::prelude::*;

fn main() -> thinnet::Result<()> {
    let Dataset { train, test, .. } = datasets::load("cifar10-sample")?; // pixels from 0 to 1

    let datagen = ImageDataGenerator::new()
        .rotation_range(15.0)
        .width_shift_range(0.1)
        .height_shift_range(0.1)
        .horizontal_flip(true);

    let mut model = Sequential::new()
        // First convolutional block
        .add(Conv2D::new(32, (3, 3)).padding("same").activation("relu").input_shape([32, 32, 3]))
        .add(Conv2D::new(32, (3, 3)).padding("same").activation("relu"))
        .add(MaxPooling2D::new((2, 2)))
        .add(Dropout::new(0.25))
        // Second convolutional block
        .add(Conv2D::new(64, (3, 3)).padding("same").activation("relu"))
        .add(Conv2D::new(64, (3, 3)).padding("same").activation("relu"))
        .add(MaxPooling2D::new((2, 2)))
        .add(Dropout::new(0.25))
        // Classification block
        .add(Flatten::new())
        .add(Dense::new(512).activation("relu"))
        .add(Dropout::new(0.5))
        .add(Dense::new(10).activation("softmax"));
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])?;

    let steps = train.len() / 64;
    let fit = Fit::new().epochs(2).batch_size(64).steps_per_epoch(steps);
    model.fit(&train, fit.augment(datagen).validation_data(&test))?;
    println!("test accuracy {:.4}", model.evaluate(&test)?["accuracy"]);
    Ok(())
}
