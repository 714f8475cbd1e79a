"""Makes the fixed numbers that crates/thinnet/tests/keras.rs compares with: crates/thinnet/tests/reference/keras.json.

Made with Keras 3.15 on TensorFlow. To make them again:
    pip install tensorflow-cpu keras numpy
    python tools/keras_reference.py PATH_TO_MNIST_IDX_GZ_FOLDER

Weights are set by a formula on both sides: element e of variable v is 0.1·sin(1 + 0.7·e + v), computed in double precision.
"""
import gzip
import json
import os
import pathlib
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from keras import callbacks, constraints, layers, losses, metrics, optimizers, regularizers

COUNT = 2000
folder = pathlib.Path(sys.argv[1])
with gzip.open(folder / "train-images-idx3-ubyte.gz") as f:
    pixels = np.frombuffer(f.read(), "u1", offset=16).reshape(-1, 784)[:COUNT].astype("float32") * np.float32(1 / 255)
with gzip.open(folder / "train-labels-idx1-ubyte.gz") as f:
    digits = np.frombuffer(f.read(), "u1", offset=8)[:COUNT].astype("int64")
TARGETS = {
    "digits": digits,
    "one_hot": np.eye(10, dtype="float32")[digits],
    "several": np.stack([digits % 2, digits % 3 == 0, digits > 4], 1).astype("float32"),
    "value": (digits / 10).astype("float32")[:, None],
}
WEIGHTS = (1 + np.arange(COUNT) % 5).astype("float32") / 3


def set_weights(model):
    model.set_weights([(0.1 * np.sin(1 + 0.7 * np.arange(w.size) + v)).astype("float32").reshape(w.shape)
                       for v, w in enumerate(model.get_weights())])


def history(name, hidden, last, target, loss, optimizer="adam", metric=None, fit=None, wrap=None, sample_weight=False,
            loss_arguments=None):
    keras.utils.clear_session()
    model = keras.Sequential([layers.Input((784,)), *hidden(), last()])
    set_weights(model)
    model.compile(optimizer=optimizer, loss=loss, metrics=[metric] if metric else None)
    arguments = {"epochs": 3, "batch_size": 128, "validation_split": 0.2, **(fit or {})}
    extra = {"sample_weight": WEIGHTS} if sample_weight else {}
    result = model.fit(pixels, TARGETS[target], shuffle=False, verbose=0, **arguments, **extra)
    print(name, result.history["loss"])
    return {
        "name": name, "model": json.loads(model.to_json()), "target": target, "fit": arguments,
        "sample_weight": sample_weight,
        "optimizer": json.loads(json.dumps(optimizers.serialize(optimizers.get(optimizer)), default=float)),
        "loss": loss if isinstance(loss, str) else {**losses.serialize(loss), "config": {**loss.get_config(), **(loss_arguments or {})}}, "metric": metric,
        "history": {k: [float(v) for v in values] for k, values in result.history.items()},
    }


def two(activation="relu", **arguments):
    return lambda: [layers.Dense(16, activation=activation, **arguments), layers.Dropout(0.0),
                    layers.Dense(16, activation=activation, **arguments)]


softmax = lambda: layers.Dense(10, activation="softmax")
sparse = "sparse_categorical_crossentropy"
schedule = optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
class_weight = {str(c): 0.5 + c / 10 for c in range(10)}
HISTORIES = [
    history("adam", two(), softmax, "digits", sparse, metric="accuracy"),
    history("sgd with Nesterov's momentum", two(), softmax, "digits", sparse,
            optimizers.SGD(0.05, momentum=0.9, nesterov=True), "accuracy"),
    history("rmsprop", two("tanh"), softmax, "digits", sparse, optimizers.RMSprop(0.002), "accuracy"),
    history("adamw", two("gelu"), softmax, "digits", sparse, optimizers.AdamW(0.002, weight_decay=0.1), "accuracy"),
    history("nadam", two("selu"), softmax, "digits", sparse, optimizers.Nadam(0.001), "accuracy"),
    history("adagrad", two("elu"), softmax, "digits", sparse, optimizers.Adagrad(0.05), "accuracy"),
    history("clipnorm", two(), softmax, "digits", sparse, optimizers.SGD(0.1, clipnorm=0.3), "accuracy"),
    history("clipvalue", two(), softmax, "digits", sparse, optimizers.SGD(0.1, clipvalue=0.01), "accuracy"),
    history("global_clipnorm", two(), softmax, "digits", sparse, optimizers.SGD(0.1, global_clipnorm=0.5), "accuracy"),
    history("schedule", two(), softmax, "digits", sparse, optimizers.Adam(schedule), "accuracy"),
    history("regularizers", two(kernel_regularizer=regularizers.L2(0.001), bias_regularizer=regularizers.L1(0.01),
                                activity_regularizer=regularizers.L1L2(1e-4, 1e-3)), softmax, "digits", sparse,
            metric="accuracy"),
    history("max-norm", two(kernel_constraint=constraints.MaxNorm(0.8)), softmax, "digits", sparse, metric="accuracy"),
    history("sample_weight", two(), softmax, "digits", sparse, metric="accuracy", sample_weight=True),
    history("class_weight", two(), softmax, "digits", sparse, metric="accuracy",
            fit={"class_weight": {int(c): w for c, w in class_weight.items()}}),
    history("a last partial batch", two("swish"), softmax, "digits", sparse, metric="accuracy", fit={"batch_size": 300}),
    history("label smoothing", two(), softmax, "one_hot", losses.CategoricalCrossentropy(label_smoothing=0.1),
            metric="accuracy"),
    history("several labels", two(), lambda: layers.Dense(3, activation="sigmoid"), "several", "binary_crossentropy",
            metric="binary_accuracy"),
    history("regression", two("softplus"), lambda: layers.Dense(1), "value", "mse", metric="mae"),
    history("huber", two(), lambda: layers.Dense(1), "value", losses.Huber(0.2), metric="mse",
            loss_arguments={"delta": 0.2}),  # Keras leaves it out of the configuration
]


def forward(name, stack):
    keras.utils.clear_session()
    model = keras.Sequential(stack)
    set_weights(model)
    shape = model.input_shape[1:]
    x = np.sin(0.3 * np.arange(4 * int(np.prod(shape)))).astype("float32").reshape(4, *shape)
    y = np.asarray(model(x, training=False))
    return {"name": name, "model": json.loads(model.to_json()), "shape": list(y.shape[1:]),
            "output": [float(v) for v in y.ravel()], "count": model.count_params(),
            "names": ["/".join(w.path.split("/")[-2:]) for w in model.weights]}


MODELS = [
    forward("dropouts are the identity", [layers.Input((5,)), layers.Dense(6), layers.Dropout(0.4, seed=3),
                                          layers.GaussianDropout(0.3), layers.GaussianNoise(0.2),
                                          layers.AlphaDropout(0.1), layers.Dense(3, activation="softmax")]),
    forward("noise_shape", [layers.Input((4, 3)), layers.Dropout(0.5, noise_shape=(None, 1, 3)), layers.Dense(2)]),
    forward("layers of activations", [layers.Input((6,)), layers.Dense(5), layers.ReLU(max_value=0.4, negative_slope=0.1),
                                      layers.Dense(5), layers.LeakyReLU(), layers.Dense(5), layers.ELU(0.7),
                                      layers.Dense(5), layers.Activation("tanh"), layers.Dense(4), layers.Softmax()]),
    forward("shapes", [layers.Input((4, 6)), layers.Rescaling(0.5, offset=0.1), layers.Flatten(), layers.Reshape((3, -1)),
                       layers.Dense(4, activation="gelu"), layers.Flatten(), layers.Dense(2, use_bias=False)]),
    forward("initializers, regularizers and constraints", [
        layers.Input((7,)),
        layers.Dense(4, activation="selu", kernel_initializer="lecun_normal", bias_initializer="ones",
                     kernel_regularizer="l2", kernel_constraint=constraints.MinMaxNorm(0.1, 2.0, axis=0)),
        layers.Dense(3, activation="log_softmax", kernel_initializer=keras.initializers.Orthogonal(gain=1.2),
                     activity_regularizer=regularizers.L1(0.01), bias_constraint="non_neg")]),
] + [forward(f"activation {name}", [layers.Input((8,)), layers.Dense(9, activation=name)]) for name in
     ["linear", "relu", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "tanh", "softplus", "silu", "softmax",
      "log_softmax"]]


class Script(callbacks.Callback):
    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["score"] = self.values[epoch]


def scripted(kind, arguments, values):
    keras.utils.clear_session()
    model = keras.Sequential([layers.Input((1,)), layers.Dense(1)])
    model.compile(optimizers.SGD(1.0), "mse")
    rates = []
    record = callbacks.LambdaCallback(on_epoch_end=lambda e, logs: rates.append(float(model.optimizer.learning_rate)))
    callback = getattr(callbacks, kind)(monitor="score", **arguments)
    model.fit(np.zeros((2, 1)), np.zeros((2, 1)), epochs=len(values), verbose=0, callbacks=[Script(values), callback, record])
    return {"class": kind, "arguments": {"monitor": "score", **arguments}, "values": values, "epochs": len(rates), "rates": rates}


FALLING = [1.0, 0.8, 0.81, 0.79, 0.795, 0.792, 0.78, 0.9, 0.95, 0.7, 0.71, 0.72]
RISING = [0.1, 0.3, 0.29, 0.35, 0.34, 0.33, 0.4, 0.41, 0.3, 0.2, 0.45, 0.44]
CALLBACKS = [
    scripted("EarlyStopping", {"patience": p, "min_delta": d, "mode": mode, "start_from_epoch": s, "baseline": b}, v)
    for mode, v in [("min", FALLING), ("max", RISING)]
    for p in [0, 1, 3] for d in [0.0, 0.02] for s in [0, 4] for b in [None, 0.5]
] + [
    scripted("ReduceLROnPlateau", {"patience": p, "factor": 0.5, "min_delta": d, "mode": mode, "cooldown": c, "min_lr": m}, v)
    for mode, v in [("min", FALLING), ("max", RISING)]
    for p in [1, 2] for d in [1e-4, 0.05] for c in [0, 2] for m in [0.0, 0.3]
]

out = pathlib.Path(__file__).parent.parent / "crates/thinnet/tests/reference"
out.mkdir(exist_ok=True)
text = {"keras": keras.__version__, "histories": HISTORIES, "models": MODELS, "callbacks": CALLBACKS}
lines = ["{", f'"keras": {json.dumps(keras.__version__)},']
for index, key in enumerate(["histories", "models", "callbacks"]):
    lines.append(f'"{key}": [')
    lines.append(",\n".join(json.dumps(case) for case in text[key]))
    lines.append("]" if index == 2 else "],")
(out / "keras.json").write_text("\n".join(lines + ["}"]) + "\n")
