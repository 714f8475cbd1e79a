"""Makes the JPEG files of crates/thinnet/tests/data/images, and prints the values that the tests of thinnet's image readers
expect of Pillow and TensorFlow.

    python tools/image_reference.py        (made with Pillow 13.0 and TensorFlow 2.21)

A line a test: the name, then the values.
"""

import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from PIL import Image

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates" / "thinnet" / "tests" / "data" / "images"


def show(name, values):
    print(f"{name}: {', '.join(str(v) for v in np.asarray(values).ravel())}")


# A smooth picture, 20 rows of 24 pixels, so that what JPEG loses of it is little.
y, x = np.mgrid[:20, :24]
smooth = np.stack([40 + 8 * x, 220 - 9 * y, 60 + 3 * x + 4 * y], axis=-1).astype("uint8")
picture = Image.fromarray(smooth)
OUT.mkdir(parents=True, exist_ok=True)
picture.save(OUT / "baseline.jpg", quality=90)
picture.save(OUT / "progressive.jpg", quality=90, progressive=True)
picture.convert("L").save(OUT / "gray.jpg", quality=90)
picture.convert("CMYK").save(OUT / "cmyk.jpg", quality=90)
for name in ["baseline", "progressive", "gray"]:
    read = np.asarray(Image.open(OUT / f"{name}.jpg"))
    # The corners, and a pixel in the middle.
    show(name, [read[0, 0], read[0, 23], read[19, 0], read[19, 23], read[10, 12]])

colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 200, 77]], "uint8")
show("luma", np.asarray(Image.fromarray(colours[None]).convert("L")))

pattern = ((np.arange(3 * 4 * 2) * 37 + 11) % 256).reshape(3, 4, 2).astype("float32")
for height, width in [(5, 7), (2, 2), (3, 9), (1, 1)]:
    for method in ["bilinear", "nearest"]:
        show(f"{method} {height}x{width}", tf.image.resize(pattern, (height, width), method=method))
