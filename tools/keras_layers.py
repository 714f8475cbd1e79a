"""Makes the fixed numbers that tests of convolution, pooling and normalization compare with:
crates/thinnet/tests/reference/layers.json.

Made with Keras 3.15 on TensorFlow 2.21. To make them again (half a minute):
    pip install tensorflow-cpu keras numpy
    python tools/keras_layers.py

A case is a short stack of layers. It holds
    name, comment      what it is; a comment only where something is special
    layers             as Keras serializes them
    input_shape        of a sample
    x                  the input, a batch of 2 or 3 samples: the file's `shapes` are with the batch
    weights            all of them in Keras's order: name, shape, values, trainable
    y                  the output of inference
    y_train            the output in training, where it differs (BatchNormalization)
    dy                 fixed weights of the output: the loss is sum(dy·output in training)
    dx, dweights       that loss's gradient by x and by each trainable weight
    weights_after      the weights that are not trained after one call in training (moving statistics)
Arrays are flat, the last axis fastest, each number rounded to 7 significant digits of its float32. x, dy and the weights
have 3 decimals, so what is in the file is what Keras was given. All x of a case are distinct, so that no window of a max
pooling holds its maximum twice (in a stack with a relu before the pooling, windows of zeros do; their gradient stops at
the relu). Inputs of a relu are at least 1e-4 from 0. Nothing is random.
"""
import json
import os
import pathlib
import zlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow as tf
from keras import layers as k

tf.config.threading.set_inter_op_parallelism_threads(1)
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.experimental.enable_op_determinism()
keras.utils.set_random_seed(0)
tf.get_logger().setLevel("ERROR")  # of compiling each grouped convolution

CASES = []


def flat(array):
    return [float(f"{v:.7g}") for v in np.asarray(array, "float32").ravel()]


def three_decimals(array):
    return np.round(array, 3).astype("float32")


def fixed_weight(variable, rng):
    """Scales and variances are around 1 and positive, the others around 0."""
    low, high = (0.5, 1.5) if variable.name in ("gamma", "moving_variance") else (-0.8, 0.8)
    return three_decimals(rng.uniform(low, high, variable.shape))


def far_from_zero(value, layer):
    smallest = float(tf.reduce_min(tf.abs(value)))
    assert smallest > 1e-4, f"{layer}: an input of the relu is {smallest}"


def check_kinks(stack, x):
    """No input of a relu is so near 0 that rounding decides its gradient."""
    for training in (False, True):
        value = x
        for layer in stack:
            activation = getattr(layer, "activation", None)
            relu = activation is keras.activations.relu
            if relu:
                layer.activation = keras.activations.linear
            if isinstance(layer, k.ReLU):
                far_from_zero(value, layer)
            value = layer(value, training=training)
            if relu:
                layer.activation = activation
                far_from_zero(value, layer)
                value = activation(value)


def case(name, shape, *stack, batch=2, span=(-2, 2), comment=None):
    """One case; x are distinct numbers evenly spread over the span, in an order that the name decides."""
    assert name not in {c["name"] for c in CASES}, name
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    count = batch * int(np.prod(shape))
    x = three_decimals(rng.permutation(np.linspace(*span, count)).reshape(batch, *shape))
    assert len(np.unique(x)) == count
    model = keras.Sequential([k.Input(shape), *stack])
    for variable in model.weights:
        variable.assign(fixed_weight(variable, rng))
    before = [v.numpy() for v in model.weights]
    x = tf.constant(x)
    y = model(x, training=False).numpy()
    dy = three_decimals(rng.uniform(-1, 1, y.shape))
    check_kinks(stack, x)
    model.set_weights(before)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y_train = model(x, training=True)
        loss = tf.reduce_sum(dy * y_train)
    trained = [v.value for v in model.trainable_weights]
    dx, *dweights = tape.gradient(loss, [x, *trained])
    for array in (y, y_train, dx, *dweights):
        assert np.isfinite(array).all(), name
    described = [keras.saving.serialize_keras_object(layer) for layer in stack]
    for layer in described:
        layer.pop("build_config", None)
    trainable = {id(v) for v in model.trainable_weights}
    CASES.append({
        "name": name, **({"comment": comment} if comment else {}),
        "layers": described,
        "input_shape": list(shape),
        "shapes": {"x": list(x.shape), "y": list(y.shape)},
        "x": flat(x),
        "weights": [{"name": named(v), "shape": list(v.shape), "values": flat(w), "trainable": id(v) in trainable}
                    for v, w in zip(model.weights, before)],
        "y": flat(y),
        **({} if np.allclose(y, y_train, atol=1e-6) else {"y_train": flat(y_train)}),
        "dy": flat(dy), "dx": flat(dx),
        "dweights": [{"name": named(v), "values": flat(g)} for v, g in zip(model.trainable_weights, dweights)],
        "weights_after": [{"name": named(v), "values": flat(v)} for v in model.non_trainable_weights],
    })
    keras.utils.clear_session()


def named(variable):
    return "/".join(variable.path.split("/")[-2:])


XLA = "Keras computes grouped convolutions on a CPU with XLA"

# Conv2D
case("Conv2D, valid", (5, 6, 2), k.Conv2D(3, 3))
case("Conv2D, same", (5, 6, 2), k.Conv2D(3, 3, padding="same"), batch=3)
case("Conv2D, one channel to one", (7, 5, 1), k.Conv2D(1, 3))
case("Conv2D, valid, strides 2", (5, 6, 2), k.Conv2D(3, 3, strides=2))
case("Conv2D, same, strides 2", (5, 6, 2), k.Conv2D(3, 3, strides=2, padding="same"))
case("Conv2D, same, strides 2, odd sizes", (7, 5, 2), k.Conv2D(2, 3, strides=2, padding="same"))
case("Conv2D, valid, strides (2, 1)", (7, 5, 2), k.Conv2D(2, 3, strides=(2, 1)))
case("Conv2D, same, strides (2, 1)", (7, 5, 2), k.Conv2D(2, 3, strides=(2, 1), padding="same"))
case("Conv2D, same, strides (1, 3)", (4, 8, 2), k.Conv2D(2, (2, 4), strides=(1, 3), padding="same"))
case("Conv2D, same on an even kernel", (5, 6, 2), k.Conv2D(3, 2, padding="same"))
case("Conv2D, same on an even kernel, strides 2", (5, 6, 2), k.Conv2D(3, 2, strides=2, padding="same"))
case("Conv2D, same on a kernel of 4, strides 3", (7, 5, 1), k.Conv2D(2, 4, strides=3, padding="same"))
case("Conv2D, same, kernel (1, 3)", (5, 6, 2), k.Conv2D(2, (1, 3), padding="same"))
case("Conv2D, valid, kernel (3, 1)", (5, 6, 2), k.Conv2D(2, (3, 1)))
case("Conv2D, same, kernel 5 as large as the image", (5, 4, 1), k.Conv2D(2, 5, padding="same"))
case("Conv2D, valid, kernel as large as the image", (4, 5, 2), k.Conv2D(3, (4, 5)), batch=3)
case("Conv2D, kernel 1", (5, 6, 3), k.Conv2D(4, 1))
case("Conv2D, kernel 1, strides 2", (5, 6, 3), k.Conv2D(4, 1, strides=2))
case("Conv2D, valid, strides larger than the kernel", (7, 8, 2), k.Conv2D(2, 2, strides=3))
case("Conv2D, same, strides larger than the kernel", (7, 5, 2), k.Conv2D(2, 2, strides=(3, 4), padding="same"))
case("Conv2D, valid, dilation 2", (7, 6, 2), k.Conv2D(2, 3, dilation_rate=2))
case("Conv2D, same, dilation 2", (7, 5, 2), k.Conv2D(2, 3, padding="same", dilation_rate=2))
case("Conv2D, valid, dilation (1, 2)", (5, 7, 2), k.Conv2D(2, 3, dilation_rate=(1, 2)))
case("Conv2D, same on an even kernel, dilation (1, 2)", (5, 6, 2), k.Conv2D(2, 2, padding="same", dilation_rate=(1, 2)))
case("Conv2D, same, groups 2", (5, 4, 4), k.Conv2D(4, 3, padding="same", groups=2), comment=XLA)
case("Conv2D, valid, groups 3, strides 2", (6, 5, 3), k.Conv2D(6, 3, strides=2, groups=3), batch=3, comment=XLA)
case("Conv2D, same, groups 2, dilation 2", (6, 5, 2), k.Conv2D(4, 3, padding="same", groups=2, dilation_rate=2),
     comment=XLA)
case("Conv2D, without bias", (5, 6, 2), k.Conv2D(3, 3, padding="same", use_bias=False))
case("Conv2D, relu", (5, 6, 2), k.Conv2D(3, 3, padding="same", activation="relu"))
case("Conv2D, relu, without bias, strides 2", (7, 5, 3), k.Conv2D(2, 3, strides=2, activation="relu", use_bias=False))
case("Conv2D, tanh", (5, 6, 2), k.Conv2D(3, 2, activation="tanh"))
case("Conv2D, 2 to 18 channels", (4, 4, 2), k.Conv2D(18, 2))
case("Conv2D, 17 to 3 channels", (3, 4, 17), k.Conv2D(3, (2, 3), padding="same"))
case("Conv2D, 3 to 9 channels, same, relu", (3, 4, 3), k.Conv2D(9, 3, padding="same", activation="relu"))
case("Conv2D, a wide image", (2, 37, 1), k.Conv2D(2, 3, padding="same"))

# DepthwiseConv2D
case("DepthwiseConv2D, valid", (5, 6, 3), k.DepthwiseConv2D(3))
case("DepthwiseConv2D, same", (5, 6, 2), k.DepthwiseConv2D(3, padding="same"), batch=3)
case("DepthwiseConv2D, valid, strides 2", (5, 6, 3), k.DepthwiseConv2D(3, strides=2))
case("DepthwiseConv2D, same, strides 2", (7, 5, 3), k.DepthwiseConv2D(3, strides=2, padding="same"))
case("DepthwiseConv2D, same on an even kernel, strides 2", (5, 6, 3), k.DepthwiseConv2D(2, strides=2, padding="same"))
case("DepthwiseConv2D, depth_multiplier 2", (5, 4, 3), k.DepthwiseConv2D((3, 2), depth_multiplier=2))
case("DepthwiseConv2D, depth_multiplier 2, same, strides 2, relu", (5, 6, 2),
     k.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=2, activation="relu"))
case("DepthwiseConv2D, valid, dilation 2", (7, 6, 2), k.DepthwiseConv2D(3, dilation_rate=2))
case("DepthwiseConv2D, same, dilation (1, 2), without bias", (5, 6, 2),
     k.DepthwiseConv2D(3, padding="same", dilation_rate=(1, 2), use_bias=False))
case("DepthwiseConv2D, 9 channels", (3, 4, 9), k.DepthwiseConv2D(2, padding="same"))

# SeparableConv2D
case("SeparableConv2D, valid", (5, 6, 2), k.SeparableConv2D(3, 3))
case("SeparableConv2D, same, without bias", (5, 6, 3), k.SeparableConv2D(2, 3, padding="same", use_bias=False))
case("SeparableConv2D, depth_multiplier 2, same, strides 2", (7, 5, 2),
     k.SeparableConv2D(4, 3, strides=2, padding="same", depth_multiplier=2))
case("SeparableConv2D, valid, strides 2, relu", (7, 6, 2), k.SeparableConv2D(3, 3, strides=2, activation="relu"))
case("SeparableConv2D, same, dilation 2", (6, 5, 2), k.SeparableConv2D(2, 3, padding="same", dilation_rate=2))

# Conv1D
case("Conv1D, valid", (7, 2), k.Conv1D(3, 3))
case("Conv1D, same", (7, 2), k.Conv1D(3, 3, padding="same"), batch=3)
case("Conv1D, same on an even kernel", (6, 2), k.Conv1D(3, 2, padding="same"))
case("Conv1D, causal", (7, 2), k.Conv1D(3, 3, padding="causal"))
case("Conv1D, valid, strides 2", (8, 2), k.Conv1D(3, 3, strides=2))
case("Conv1D, same, strides 2", (8, 2), k.Conv1D(3, 3, strides=2, padding="same"))
case("Conv1D, same, strides 3, odd length", (11, 2), k.Conv1D(2, 4, strides=3, padding="same"))
case("Conv1D, causal, strides 2", (9, 2), k.Conv1D(3, 4, strides=2, padding="causal"))
case("Conv1D, valid, dilation 2", (9, 2), k.Conv1D(3, 3, dilation_rate=2))
case("Conv1D, same, dilation 3", (9, 2), k.Conv1D(3, 3, padding="same", dilation_rate=3))
case("Conv1D, causal, dilation 2", (9, 2), k.Conv1D(3, 3, padding="causal", dilation_rate=2))
case("Conv1D, groups 2", (7, 4), k.Conv1D(4, 3, groups=2), comment=XLA)
case("Conv1D, causal, groups 3, relu", (7, 3), k.Conv1D(6, 2, padding="causal", groups=3, activation="relu"), comment=XLA)
case("Conv1D, kernel 1, tanh, without bias", (5, 3), k.Conv1D(4, 1, activation="tanh", use_bias=False))

# Pooling. Where windows reach over the edge, the average is of what lies inside and the maximum never is the edge's zero.
for name, pool in (("Max", "MaxPooling"), ("Average", "AveragePooling")):
    one, two = getattr(k, pool + "1D"), getattr(k, pool + "2D")
    case(f"{pool}1D, pool 2", (7, 2), one(2))
    case(f"{pool}1D, pool 3, same", (7, 3), one(3, padding="same"), batch=3)
    case(f"{pool}1D, pool 2, strides 1, same", (6, 2), one(2, strides=1, padding="same"))
    case(f"{pool}1D, pool 3, strides 2", (8, 3), one(3, strides=2))
    case(f"{pool}1D, pool 2, strides 3, same", (10, 2), one(2, strides=3, padding="same"))
    case(f"{pool}2D, pool 2", (6, 4, 2), two(2))
    case(f"{pool}2D, pool 2, odd sizes", (5, 7, 3), two((2, 2)))
    case(f"{pool}2D, pool 2, same, odd sizes", (5, 7, 2), two(2, padding="same"), batch=3)
    case(f"{pool}2D, pool 3, strides 2", (7, 6, 2), two(3, strides=2))
    case(f"{pool}2D, pool 3, strides 2, same", (7, 6, 2), two(3, strides=2, padding="same"))
    case(f"{pool}2D, pool 3, strides 1, same", (5, 4, 2), two(3, strides=1, padding="same"))
    case(f"{pool}2D, pool (2, 3)", (5, 7, 2), two((2, 3)))
    case(f"{pool}2D, pool (2, 3), strides (1, 2), same", (5, 6, 2), two((2, 3), strides=(1, 2), padding="same"))
    case(f"{pool}2D, pool 2, strides 3, same", (7, 5, 2), two(2, strides=3, padding="same"))
    case(f"{pool}2D, pool 3, same, all negative", (5, 4, 2), two(3, padding="same"), span=(-3, -0.5))
    case(f"{pool}2D, pool 2, 9 channels", (4, 4, 9), two(2))
    for keepdims in (False, True):
        end = ", keepdims" if keepdims else ""
        case(f"Global{pool}1D{end}", (5, 3), getattr(k, f"Global{pool}1D")(keepdims=keepdims))
        case(f"Global{pool}2D{end}", (5, 6, 3), getattr(k, f"Global{pool}2D")(keepdims=keepdims), batch=3)

# Shapes
case("ZeroPadding2D, 1", (3, 4, 2), k.ZeroPadding2D(1))
case("ZeroPadding2D, (2, 1)", (3, 4, 2), k.ZeroPadding2D((2, 1)))
case("ZeroPadding2D, ((1, 2), (3, 0))", (3, 4, 2), k.ZeroPadding2D(((1, 2), (3, 0))))
case("Cropping2D, 1", (5, 6, 2), k.Cropping2D(1))
case("Cropping2D, (1, 2)", (5, 6, 2), k.Cropping2D((1, 2)))
case("Cropping2D, ((1, 2), (3, 0))", (5, 6, 2), k.Cropping2D(((1, 2), (3, 0))))
for interpolation in ("nearest", "bilinear"):
    case(f"UpSampling2D, {interpolation}, 2", (3, 4, 2), k.UpSampling2D(2, interpolation=interpolation))
    case(f"UpSampling2D, {interpolation}, (2, 3)", (3, 2, 3), k.UpSampling2D((2, 3), interpolation=interpolation))
    case(f"UpSampling2D, {interpolation}, (3, 1)", (2, 4, 1), k.UpSampling2D((3, 1), interpolation=interpolation))

# BatchNormalization
case("BatchNormalization, features", (5,), k.BatchNormalization(), batch=3)
case("BatchNormalization, (time, channels)", (6, 3), k.BatchNormalization(axis=-1))
case("BatchNormalization, (height, width, channels)", (5, 6, 3), k.BatchNormalization())
case("BatchNormalization, axis 1 of three", (4, 3, 2), k.BatchNormalization(axis=1))
case("BatchNormalization, without center", (3, 4, 2), k.BatchNormalization(center=False))
case("BatchNormalization, without scale", (3, 4, 2), k.BatchNormalization(scale=False))
case("BatchNormalization, without center and scale", (5,), k.BatchNormalization(center=False, scale=False), batch=3)
case("BatchNormalization, momentum 0.9, epsilon 0.01", (3, 4, 2), k.BatchNormalization(momentum=0.9, epsilon=1e-2))
case("BatchNormalization, momentum 0.9, epsilon 0.01, features", (4,), k.BatchNormalization(momentum=0.9, epsilon=1e-2),
     batch=3)
case("BatchNormalization, small deviations far from zero", (4, 3), k.BatchNormalization(momentum=0.5), span=(5, 5.1))
case("BatchNormalization, not trainable", (3, 4, 2), k.BatchNormalization(trainable=False),
     comment="As Keras has it, such a layer normalizes with its moving statistics in training too, and leaves them as they are")

# LayerNormalization
case("LayerNormalization, features", (5,), k.LayerNormalization(), batch=3)
case("LayerNormalization, (time, channels)", (4, 3), k.LayerNormalization(axis=-1))
case("LayerNormalization, (height, width, channels)", (3, 4, 3), k.LayerNormalization(axis=-1))
case("LayerNormalization, axis [1, 2, 3]", (3, 4, 2), k.LayerNormalization(axis=[1, 2, 3]))
case("LayerNormalization, axis [-2, -1]", (3, 4, 2), k.LayerNormalization(axis=[-2, -1]))
case("LayerNormalization, axis 1", (4, 3), k.LayerNormalization(axis=1))
case("LayerNormalization, without center", (6,), k.LayerNormalization(center=False), batch=3)
case("LayerNormalization, without scale", (6,), k.LayerNormalization(scale=False), batch=3)
case("LayerNormalization, without center and scale", (3, 4), k.LayerNormalization(center=False, scale=False))
case("LayerNormalization, epsilon 0.1", (3, 4), k.LayerNormalization(epsilon=0.1))

# Stacks
case("Stack: Conv2D without bias, BatchNormalization, ReLU, MaxPooling2D, Flatten, Dense", (6, 7, 2),
     k.Conv2D(3, 3, use_bias=False), k.BatchNormalization(), k.MaxPooling2D(2), k.ReLU(), k.Flatten(), k.Dense(2), batch=3)
case("Stack: Conv2D, MaxPooling2D, Conv2D, GlobalAveragePooling2D", (9, 8, 1),
     k.Conv2D(3, 3, activation="relu", padding="same"), k.MaxPooling2D(2, padding="same"), k.Conv2D(4, 2, activation="tanh"),
     k.GlobalAveragePooling2D(), k.Dense(3, activation="softmax"))
case("Stack: ZeroPadding2D, DepthwiseConv2D, LayerNormalization, Conv2D of kernel 1, AveragePooling2D", (5, 4, 2),
     k.ZeroPadding2D(1), k.DepthwiseConv2D(3, depth_multiplier=2), k.LayerNormalization(), k.Conv2D(3, 1), k.AveragePooling2D(2))
case("Stack: Conv1D, BatchNormalization, MaxPooling1D, Conv1D, GlobalMaxPooling1D", (10, 2),
     k.Conv1D(3, 3, padding="causal"), k.BatchNormalization(momentum=0.8), k.MaxPooling1D(2), k.Conv1D(4, 2),
     k.GlobalMaxPooling1D())

out = pathlib.Path(__file__).parent.parent / "crates/thinnet/tests/reference/layers.json"
compact = lambda value: json.dumps(value, separators=(",", ":"))
head = f'{{"keras":{compact(keras.__version__)},"tensorflow":{compact(tf.__version__)},"cases":[\n'
out.write_text(head + ",\n".join(compact(c) for c in CASES) + "\n]}\n")
print(f"{len(CASES)} cases, {out.stat().st_size} bytes")
