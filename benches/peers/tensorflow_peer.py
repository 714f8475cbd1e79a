"""TensorFlow/Keras: python tensorflow_peer.py WORKLOAD TASK [--mode plain|xla]. Needs: pip install tensorflow-cpu."""
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from tensorflow.keras import regularizers
from tensorflow.keras.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D, SpatialDropout2D
from workloads import BATCH, IMAGES, MC_INPUTS, SHAPE, arguments, report, timed

chosen = arguments("TensorFlow", ["plain", "xla"])
tf.config.threading.set_intra_op_parallelism_threads(chosen.threads)
tf.config.threading.set_inter_op_parallelism_threads(chosen.threads)
which, batch = chosen.workload, BATCH[chosen.workload]


def network():
    if which == "w1":
        return [Dense(128, activation="relu"), Dropout(0.2), Dense(64, activation="relu"), Dropout(0.3),
                Dense(10, activation="softmax")]
    if which == "w2":
        return [Conv2D(32, 3, activation="relu"), SpatialDropout2D(0.2), MaxPooling2D(),
                Conv2D(64, 3, activation="relu"), SpatialDropout2D(0.3), MaxPooling2D(), Flatten(),
                Dense(128, activation="relu"), Dropout(0.4), Dense(10, activation="softmax")]
    if which == "w3":
        same = lambda filters: Conv2D(filters, 3, padding="same", activation="relu")
        return [same(32), same(32), MaxPooling2D(), Dropout(0.25), same(64), same(64), MaxPooling2D(), Dropout(0.25),
                Flatten(), Dense(512, activation="relu"), Dropout(0.5), Dense(10, activation="softmax")]
    l2 = lambda: regularizers.L2(1e-6)
    return [Dropout(0.05), Dense(50, activation="relu", kernel_regularizer=l2()), Dropout(0.05),
            Dense(1, kernel_regularizer=l2())]


def inputs(count):
    return np.random.rand(count, *SHAPE[which]).astype("float32")


def targets(count):
    return np.random.rand(count, 1).astype("float32") if which == "w4" else np.random.randint(0, 10, count)


model = tf.keras.Sequential([Input(SHAPE[which]), *network()])
loss = "mean_squared_error" if which == "w4" else "sparse_categorical_crossentropy"
metrics = [] if which == "w4" else ["accuracy"]
model.compile(optimizer="adam", loss=loss, metrics=metrics, jit_compile=chosen.mode == "xla")

times = None
if chosen.task == "train":
    # What `fit` takes for a step, of five runs over some steps each.
    steps = max(chosen.steps // 5, 1)
    x, y = inputs(batch * steps), targets(batch * steps)
    model.fit(x, y, batch_size=batch, verbose=0)
    times = timed(lambda: model.fit(x, y, batch_size=batch, verbose=0), 5, 1)
    times = [time / steps for time in times]
elif chosen.task == "predict":
    # The faster way for one batch is to call the compiled function, not `predict`.
    x = tf.constant(inputs(chosen.size))
    call = tf.function(lambda x: model(x, training=False), jit_compile=chosen.mode == "xla")
    times = timed(lambda: call(x).numpy(), chosen.steps)
elif chosen.task == "mc":
    x = tf.constant(inputs(MC_INPUTS))
    call = tf.function(lambda x: model(x, training=True), jit_compile=chosen.mode == "xla")

    def sample(networks):
        total, squares = 0, 0
        for _ in range(networks):
            y = call(x)
            total, squares = total + y, squares + y * y
        return total.numpy() / networks, squares.numpy() / networks

    sample(2)
    times = timed(lambda: sample(chosen.size), chosen.steps, 0)
else:
    x, y = inputs(IMAGES), targets(IMAGES)
    model.fit(x, y, batch_size=batch, steps_per_epoch=chosen.steps, verbose=0)
report(f"tensorflow-{chosen.mode}", chosen, times)
