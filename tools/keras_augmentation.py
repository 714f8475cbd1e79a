"""Makes the fixed numbers that the tests of image augmentation compare with: crates/thinnet/tests/reference/augmentation.json.

Made with Keras 3.15 on TensorFlow, SciPy 1.17 and Pillow 13. To make them again:
    pip install tensorflow-cpu keras scipy pillow
    python tools/keras_augmentation.py

Images are set by a formula on both sides: element e of image i is low + (high - low)·(½ + ½·sin(1 + 0.7·e + 1.3·i + 0.37·e·i)),
computed in double precision.
"""
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
from keras import layers
from keras.src.legacy.preprocessing.image import ImageDataGenerator
from scipy import ndimage


def images(shape, low=-1.0, high=2.0):
    count, size = shape[0], int(np.prod(shape[1:]))
    e, i = np.meshgrid(np.arange(size), np.arange(count))
    values = low + (high - low) * (0.5 + 0.5 * np.sin(1 + 0.7 * e + 1.3 * i + 0.37 * e * i))
    return values.astype("float32").reshape(shape)


def numbers(array):
    # As many digits as an f32 has.
    return [float(f"{v:.9g}") for v in np.asarray(array, "float64").ravel()]


# Rotated, sheared and moved; far outside; enlarged; transposed; a single row or column.
MAPS = [
    ([5, 6], [[0.9, -0.35], [0.4, 1.1]], [0.37, -1.21]),
    ([5, 6], [[1.7, 0.6], [-0.8, 2.3]], [-7.13, -4.42]),
    ([5, 6], [[2.9, 0.3], [0.2, 3.1]], [-9.77, 6.58]),
    ([5, 6], [[0.31, 0.0], [0.0, 0.27]], [1.13, 1.46]),
    ([4, 4], [[0.0, 1.0], [1.0, 0.0]], [0.0, 0.0]),
    ([1, 7], [[1.0, 0.1], [0.2, -1.3]], [-0.23, 5.29]),
    ([7, 1], [[-1.2, 0.0], [0.11, 1.0]], [6.41, 0.0]),
    ([2, 2], [[1.3, 0.41], [-0.6, 0.93]], [-2.7, 1.9]),
]


def lookups():
    for shape, matrix, offset in MAPS:
        for mode in ["nearest", "reflect", "constant", "grid-constant", "wrap", "grid-wrap"]:
            for order in [1, 0]:
                x = images([2, *shape])
                y = [ndimage.affine_transform(channel, np.array(matrix), offset, order=order, mode=mode, cval=0.7)
                     for channel in x]
                yield {"shape": shape, "matrix": matrix, "offset": offset, "mode": mode, "order": order, "cval": 0.7,
                       "channels": [numbers(channel) for channel in y]}


def about_the_middle(x, p, fill_mode, cval):
    """Keras's affine map with its middle's height and width where they belong, which Keras exchanges."""
    theta, shear = np.deg2rad(p.get("theta", 0)), np.deg2rad(p.get("shear", 0))
    matrix = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    matrix = matrix @ np.array([[1, 0, p.get("tx", 0)], [0, 1, p.get("ty", 0)], [0, 0, 1]])
    matrix = matrix @ np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    matrix = matrix @ np.diag([p.get("zx", 1), p.get("zy", 1), 1])
    h, w = x.shape[0] / 2 - 0.5, x.shape[1] / 2 - 0.5
    matrix = np.array([[1, 0, w], [0, 1, h], [0, 0, 1]]) @ matrix @ np.array([[1, 0, -w], [0, 1, -h], [0, 0, 1]])
    matrix = matrix[[1, 0]][:, [1, 0, 2]]
    return np.stack([ndimage.affine_transform(x[..., c], matrix[:, :2], matrix[:, 2], order=1, mode=fill_mode, cval=cval)
                     for c in range(x.shape[2])], -1)


AFFINE = [{"theta": 23.0}, {"tx": 1.3}, {"ty": -0.7}, {"shear": 17.0}, {"zx": 0.8}, {"zy": 1.3},
          {"theta": -40.0, "tx": -0.6, "ty": 1.9, "shear": 9.0, "zx": 1.2, "zy": 0.7}]
OTHER = [{"flip_horizontal": True}, {"flip_vertical": True}, {"channel_shift_intensity": 0.4},
         {"channel_shift_intensity": -0.9}]
ALL = {**AFFINE[-1], "flip_horizontal": True, "flip_vertical": True, "channel_shift_intensity": 0.3}


def transforms():
    for shape in [[4, 4, 1], [6, 6, 2]]:
        for fill_mode in ["nearest", "reflect", "constant", "wrap"]:
            datagen = ImageDataGenerator(fill_mode=fill_mode, cval=0.5)
            for p in AFFINE + OTHER + [ALL]:
                x = images([1, *shape])[0]
                yield {"shape": shape, "fill_mode": fill_mode, "transform": p, "low": -1.0, "high": 2.0,
                       "output": numbers(datagen.apply_transform(x, p))}
    for p in AFFINE:
        x = images([1, 5, 6, 2])[0]
        yield {"shape": [5, 6, 2], "fill_mode": "nearest", "transform": p, "low": -1.0, "high": 2.0,
               "output": numbers(about_the_middle(x, p, "nearest", 0.5))}
    datagen = ImageDataGenerator(cval=0.5)
    for channels in [1, 3, 4]:
        for low, high in [(0.0, 255.0), (-40.0, 100.0), (20.0, 400.0)]:
            for brightness in [0.0, 0.35, 1.0, 1.6]:
                p = {"brightness": brightness}
                x = images([1, 3, 4, channels], low, high)[0]
                yield {"shape": [3, 4, channels], "fill_mode": "nearest", "transform": p, "low": low, "high": high,
                       "output": numbers(datagen.apply_transform(x, p))}
    p = {**ALL, "channel_shift_intensity": 30.0, "brightness": 1.2}
    yield {"shape": [6, 6, 3], "fill_mode": "nearest", "transform": p, "low": 0.0, "high": 255.0,
           "output": numbers(datagen.apply_transform(images([1, 6, 6, 3], 0.0, 255.0)[0], p))}


def standardized():
    shape = [30, 3, 2, 2]
    for options in [{"rescale": 0.25}, {"samplewise_center": True}, {"samplewise_std_normalization": True},
                    {"featurewise_center": True}, {"featurewise_std_normalization": True},
                    {"rescale": 0.5, "samplewise_center": True, "featurewise_std_normalization": True},
                    {"zca_whitening": True, "zca_epsilon": 0.1},
                    {"zca_whitening": True, "zca_epsilon": 0.5, "featurewise_std_normalization": True, "rescale": 2.0}]:
        datagen = ImageDataGenerator(**options)
        x = images(shape)
        datagen.fit(x)
        optional = lambda array: None if array is None else numbers(array)
        yield {"options": options, "shape": shape, "mean": optional(datagen.mean), "std": optional(datagen.std),
               "zca": optional(datagen.zca_whitening_matrix),
               "output": [numbers(datagen.standardize(image.copy())) for image in x]}


def of_layers():
    x = images([1, 5, 6, 2])
    for fill_mode in ["reflect", "nearest", "constant"]:
        more = {"fill_mode": fill_mode, "fill_value": 0.3}
        for name, arguments in [("RandomRotation", {"factor": [0.07, 0.07]}), ("RandomRotation", {"factor": [-0.3, -0.3]}),
                                ("RandomTranslation", {"height_factor": [0.33, 0.33], "width_factor": [-0.22, -0.22]}),
                                ("RandomZoom", {"height_factor": [0.45, 0.45]}),
                                ("RandomZoom", {"height_factor": [-0.3, -0.3], "width_factor": [0.57, 0.57]})]:
            for interpolation in ["bilinear", "nearest"]:
                layer = getattr(layers, name)(**arguments, **more, interpolation=interpolation)
                yield {"layer": json.loads(json.dumps(keras.saving.serialize_keras_object(layer))),
                       "shape": [5, 6, 2], "output": numbers(layer(x, training=True))}


def contrasts():
    for factor, value_range in [(0.4, [0, 255]), (1.7, [-0.8, 1.5]), (1.3, [-10, 10])]:
        layer = layers.RandomContrast(0.5, value_range=value_range)
        x = images([1, 5, 6, 2])
        y = layer.transform_images(x, {"contrast_factor": np.full((1, 1, 1, 1), factor, "float32")})
        yield {"factor": factor, "value_range": value_range, "shape": [5, 6, 2], "output": numbers(y)}


def flips():
    for mode in ["horizontal", "vertical", "horizontal_and_vertical"]:
        x = images([1, 5, 6, 2])
        y = layers.RandomFlip(mode).transform_images(x, {"flips": np.full((1, 1, 1, 1), True)})
        yield {"mode": mode, "shape": [5, 6, 2], "output": numbers(y)}


path = pathlib.Path(__file__).parent.parent / "crates/thinnet/tests/reference/augmentation.json"
reference = {"lookups": list(lookups()), "transforms": list(transforms()), "standardized": list(standardized()),
             "layers": list(of_layers()), "contrasts": list(contrasts()), "flips": list(flips())}
rows = [f'"{key}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]" for key, cases in reference.items()]
path.write_text("{" + ",\n".join(rows) + "}\n")
print({key: len(cases) for key, cases in reference.items()}, path.stat().st_size)
