"""Makes the training histories that tests of convolutional networks compare with:
crates/thinnet/tests/reference/cnn_history.json.

Made with Keras 3.15 on TensorFlow 2.21. To make them again (half a minute):
    pip install tensorflow-cpu keras numpy
    python tools/keras_cnn_history.py PATH_TO_MNIST_IDX_GZ_FOLDER

The tutorial's two convolutional networks, with every dropout rate 0, trained by Adam without shuffling. The first learns
MNIST's digits, the second images of noise whose colours depend on the class. Initial weights and images are a formula of
integers, which the file's `formula` tells too, so that nothing else has to be stored:

    hash(stream, element), all modulo 2^32:
        h = element·2654435761 + (stream + 1)·2246822519
        h ^= h >> 15;  h *= 2246822519
        h ^= h >> 13;  h *= 3266489917
        h ^= h >> 16
    element e of the kernel that is variable v (kernels and biases counted from 0 in Keras's order, elements with the last
    axis fastest), computed in double precision and then rounded to float32:
        (2·(hash(v, e) >> 8) / 2^24 - 1)·sqrt(6 / (fan in + fan out))
    fan in is height·width·channels in of a convolution, inputs of a Dense; fan out height·width·channels out, units
    a bias: 0
    image n of class n mod 10, row i, column j, colour c, as a byte:
        (hash(1000, ((32·n + i)·32 + j)·3 + c) >> 25) + 14·((n mod 10 + 3·c) mod 10)
    what the network is given of a byte, in float32: byte·float32(1/255)

A case also holds sums and first elements of the images' bytes and of each initial variable, to check the formula by.
`history` is what `fit` gave, `step_losses` are the losses of the single batches of both epochs, each before its update,
`first_gradients` the gradient of the first batch's loss by the initial weights, before any update.
`float64` is the same training, from the same float32 images and weights, with everything else in double precision. It
differs from Keras's usual float32 by up to 1e-4 in the losses of steps: nearly all of that is 1 - 0.999^t in Adam, which
Keras takes in float32. `spread` says how far single losses move when initial weights change by rounding: the largest
absolute difference from six float32 trainings whose initial weights were each multiplied by 1 + 1e-6·(standard normal).
That grows with the steps because the slightest difference can tip a relu or the maximum of a window the other way.
"""
import gzip
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from keras import layers as k

tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(2)
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(0)  # of nothing: determinism asks for one
EPOCHS = 2


def mix(stream, count, first=0):
    h = np.arange(first, first + count, dtype="uint32") * np.uint32(2654435761)
    h += np.uint32((stream + 1) * 2246822519 % 2**32)
    h ^= h >> 15
    h *= np.uint32(2246822519)
    h ^= h >> 13
    h *= np.uint32(3266489917)
    return h ^ h >> 16


def initial(variable, shape):
    if len(shape) == 1:
        return np.zeros(shape, "float32")
    window = int(np.prod(shape[:-2]))  # 1 of a Dense
    limit = np.sqrt(6 / (window * shape[-2] + window * shape[-1]))
    unit = (mix(variable, int(np.prod(shape))) >> 8) / 2**24
    return ((2 * unit - 1) * limit).astype("float32").reshape(shape)


def scaled(pixels):
    return pixels.astype("float32") * np.float32(1 / 255)


def digits(part, count):
    folder = pathlib.Path(sys.argv[1])
    with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as f:
        images = np.frombuffer(f.read(16 + count * 784), "u1", offset=16).reshape(count, 28, 28, 1)
    with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as f:
        return images, np.frombuffer(f.read(8 + count), "u1", offset=8).astype("int64")


def colours(first, count):
    n, _, _, c = np.indices((count, 32, 32, 3), sparse=True)
    n = n + first
    noise = (mix(1000, count * 3072, first * 3072) >> 25).reshape(count, 32, 32, 3)
    images = noise + 14 * ((n % 10 + 3 * c) % 10)
    assert images.max() < 256
    return images.astype("u1"), np.arange(first, first + count) % 10


def checksums(model, values):
    return [{"name": "/".join(v.path.split("/")[-2:]), "shape": list(v.shape),
             "sum": float(np.sum(w, dtype="float64")), "sum_of_squares": float(np.sum(np.square(w, dtype="float64"))),
             "first": [float(e) for e in np.ravel(w)[:5]]}
            for v, w in zip(model.weights, values)]


def fit(x, y, held, batch_size, make, noise=None, **adam):
    """Trains as `fit` does, and again step by step, since `fit` tells means over an epoch."""
    keras.utils.clear_session()
    model = keras.Sequential([k.Input(x.shape[1:]), *make()])
    start = [initial(v, w.shape) for v, w in enumerate(model.get_weights())]
    if noise is not None:
        start = [w * (1 + 1e-6 * noise.standard_normal(w.shape)).astype("float32") for w in start]

    def compile():
        model.set_weights(start)
        model.compile(keras.optimizers.Adam(**adam), "sparse_categorical_crossentropy", metrics=["accuracy"])

    compile()
    before = checksums(model, start)
    with tf.GradientTape() as tape:
        loss = keras.losses.sparse_categorical_crossentropy(y[:batch_size], model(x[:batch_size], training=True))
        loss = keras.ops.mean(loss)
    gradients = tape.gradient(loss, [v.value for v in model.trainable_weights])
    gradients = checksums(model, [g.numpy() for g in gradients])
    result = model.fit(x, y, epochs=EPOCHS, batch_size=batch_size, shuffle=False, validation_data=held, verbose=0).history
    after = checksums(model, model.get_weights())
    compile()
    steps = []
    for _ in range(EPOCHS):
        for batch in range(0, len(x), batch_size):
            model.reset_metrics()
            rows = slice(batch, batch + batch_size)
            steps.append(model.train_on_batch(x[rows], y[rows], return_dict=True)["loss"])
    assert len(x) % batch_size == 0
    np.testing.assert_allclose(np.reshape(steps, (EPOCHS, -1)).mean(1), result["loss"], rtol=2e-6)
    assert result["loss"][-1] < result["loss"][0] and result["val_loss"][-1] < result["val_loss"][0], result
    print(result, steps)
    return model, before, {
        "history": {key: [float(v) for v in values] for key, values in result.items()},
        "step_losses": [float(v) for v in steps],
        "first_gradients": gradients,
        "trained": [{"name": v["name"], "sum_of_squares": v["sum_of_squares"]} for v in after],
    }


def losses_of(run):
    return {"loss": np.array(run["history"]["loss"]), "val_loss": np.array(run["history"]["val_loss"]),
            "step_losses": np.array(run["step_losses"])}


def history(name, data, train, validation, batch_size, make):
    samples = scaled(train[0]), train[1], (scaled(validation[0]), validation[1]), batch_size, make
    model, before, single = fit(*samples)
    text = json.loads(model.to_json())
    keras.config.set_floatx("float64")
    # Of a plain 0.999 Keras would make a float32 first.
    double = fit(*samples, beta_1=np.float64(0.9), beta_2=np.float64(0.999))[2]
    keras.config.set_floatx("float32")
    moved = [losses_of(fit(*samples, noise=np.random.default_rng(seed))[2]) for seed in range(6)]
    spread = {key: np.abs([run[key] - values for run in moved]).max(0).tolist() for key, values in losses_of(single).items()}
    sums = lambda images: {"sum": int(images.sum(dtype="int64")), "first": [int(v) for v in images.ravel()[:8]]}
    return {
        "name": name, "data": data, "train": len(train[0]), "validation": len(validation[0]), "model": text,
        "optimizer": json.loads(json.dumps(keras.optimizers.serialize(keras.optimizers.Adam()), default=float)),
        "loss": "sparse_categorical_crossentropy", "metric": "accuracy",
        "fit": {"epochs": EPOCHS, "batch_size": batch_size, "shuffle": False},
        "train_bytes": sums(train[0]), "validation_bytes": sums(validation[0]),
        "initial": before, **single, "float64": double, "spread": spread,
    }


def spatial():
    return [k.Conv2D(32, (3, 3), activation="relu"), k.SpatialDropout2D(0.0), k.MaxPooling2D((2, 2)),
            k.Conv2D(64, (3, 3), activation="relu"), k.SpatialDropout2D(0.0), k.MaxPooling2D((2, 2)),
            k.Flatten(), k.Dense(128, activation="relu"), k.Dropout(0.0), k.Dense(10, activation="softmax")]


def cifar():
    return [k.Conv2D(32, (3, 3), padding="same", activation="relu"), k.Conv2D(32, (3, 3), padding="same", activation="relu"),
            k.MaxPooling2D((2, 2)), k.Dropout(0.0),
            k.Conv2D(64, (3, 3), padding="same", activation="relu"), k.Conv2D(64, (3, 3), padding="same", activation="relu"),
            k.MaxPooling2D((2, 2)), k.Dropout(0.0),
            k.Flatten(), k.Dense(512, activation="relu"), k.Dropout(0.0), k.Dense(10, activation="softmax")]


HISTORIES = [
    history("spatial dropout CNN", "mnist", digits("train", 256), digits("t10k", 64), 64, spatial),
    history("CIFAR-10 CNN", "colours", colours(0, 128), colours(128, 32), 32, cifar),
]

out = pathlib.Path(__file__).parent.parent / "crates/thinnet/tests/reference/cnn_history.json"
formula = [line.strip() for line in __doc__.split("stored:\n\n")[1].split("\n\nA case")[0].strip().splitlines()]
text = {"keras": keras.__version__, "tensorflow": tf.__version__, "formula": formula}
lines = [f'"{key}": {json.dumps(value, ensure_ascii=False)},' for key, value in text.items()]
out.write_text("\n".join(["{", *lines, '"histories": [', ",\n".join(map(json.dumps, HISTORIES)), "]", "}"]) + "\n")
