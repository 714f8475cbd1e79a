"""Prints the values that the tests of thinnet's losses and metrics expect of Keras 3.

    python tools/keras_losses_and_metrics.py        (made with Keras 3.15.0 on TensorFlow 2.21)

A line a test: the name, then the values as Keras gives them in float32.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
from keras import losses, metrics


def show(name, values):
    print(f"{name}: {', '.join(str(v) for v in np.asarray(values, 'float32').ravel())}")


def f32(*values, rows):
    return np.array(values, "float32").reshape(rows, -1)


# Probabilities with extremes, and rows that do not sum to 1.
P = f32(0.05, 0.95, 0, 0.1, 0.8, 0.1, 1, 0, 0, 0.4, 0.4, 0.4, rows=4)
Z = f32(0.3, -1.2, 2, 0, 0.5, -0.5, 30, -20, 1, 0, 100, -100, rows=4)
ONE_HOT = np.eye(3, dtype="float32")[[1, 2, 2, 0]]
SOFT = f32(0.2, 0.5, 0.3, 1, 0, 0, 0, 0.5, 0.5, 0.1, 0.1, 0.8, rows=4)
HITS = f32(1, 1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0, rows=4)
NUMBERS = f32(1, -1, 3, 0.5, 90, 0.75, -2, 0, 0.3, 1e-3, 7, -7, rows=4)
GUESSES = f32(0.5, -1.5, 3, 0, 100, -0.25, 2, 0.1, 0.3, 0, 6, -7.5, rows=4)

show("sparse", losses.sparse_categorical_crossentropy(np.array([1, 2, 2, 0]), P))
show("categorical", losses.categorical_crossentropy(ONE_HOT, P))
show("categorical soft", losses.categorical_crossentropy(SOFT, P))
show("categorical smoothed", losses.categorical_crossentropy(ONE_HOT, P, label_smoothing=0.1))
show("categorical logits smoothed", losses.categorical_crossentropy(ONE_HOT, Z, from_logits=True, label_smoothing=0.1))
show("binary", losses.binary_crossentropy(HITS, P))
show("binary smoothed", losses.binary_crossentropy(HITS, P, label_smoothing=0.2))
show("binary logits", losses.binary_crossentropy(HITS, Z, from_logits=True))
show("binary logits smoothed", losses.binary_crossentropy(HITS, Z, from_logits=True, label_smoothing=0.2))
show("mse", losses.mean_squared_error(NUMBERS, GUESSES))
show("mae", losses.mean_absolute_error(NUMBERS, GUESSES))
show("huber", losses.huber(NUMBERS, GUESSES))
show("huber 0.5", losses.huber(NUMBERS, GUESSES, delta=0.5))
show("kl", losses.kl_divergence(SOFT, P))

# Metrics: two batches of two rows; weights where the name says so.
WEIGHTS = np.array([1, 0.5, 2, 0], "float32")


def measure(name, metric, y, p, weights=None):
    for rows in (slice(0, 2), slice(2, 4)):
        metric.update_state(y[rows], p[rows], None if weights is None else weights[rows])
    show(name, metric.result())


CLASSES = np.array([1, 2, 0, 0])
measure("sparse accuracy", metrics.SparseCategoricalAccuracy(), CLASSES, P)
measure("sparse accuracy weighted", metrics.SparseCategoricalAccuracy(), CLASSES, P, WEIGHTS)
measure("categorical accuracy", metrics.CategoricalAccuracy(), SOFT, P)
measure("binary accuracy", metrics.BinaryAccuracy(), HITS, P)
measure("binary accuracy 0.3 weighted", metrics.BinaryAccuracy(threshold=0.3), HITS, P, WEIGHTS)
measure("sparse top 2", metrics.SparseTopKCategoricalAccuracy(k=2), CLASSES, P)
measure("top 2", metrics.TopKCategoricalAccuracy(k=2), ONE_HOT, P)
measure("top 1 weighted", metrics.TopKCategoricalAccuracy(k=1), ONE_HOT, P, WEIGHTS)
IDS = f32(1, 0, 2, 0, 1, 2, 2, 1, 0, 0, 2, 1, rows=4)
measure("sorted ids, top 2", metrics.SparseTopKCategoricalAccuracy(k=2, from_sorted_ids=True), CLASSES, IDS)
for name, make in (("precision", metrics.Precision), ("recall", metrics.Recall)):
    measure(name, make(), HITS, P)
    measure(f"{name} 0.3 weighted", make(thresholds=0.3), HITS, P, WEIGHTS)
    measure(f"{name} top 2", make(top_k=2), HITS, P)
    measure(f"{name} top 2 above 0.2", make(top_k=2, thresholds=0.2), HITS, P)
    measure(f"{name} class 1", make(class_id=1), HITS, P)
for name, make in (
    ("mse", metrics.MeanSquaredError),
    ("mae", metrics.MeanAbsoluteError),
    ("rmse", metrics.RootMeanSquaredError),
):
    measure(f"metric {name}", make(), NUMBERS, GUESSES)
    measure(f"metric {name} weighted", make(), NUMBERS, GUESSES, WEIGHTS)
measure("metric binary", metrics.BinaryCrossentropy(), HITS, P, WEIGHTS)
measure("metric sparse", metrics.SparseCategoricalCrossentropy(), CLASSES, P, WEIGHTS)
measure("metric kl", metrics.KLDivergence(), SOFT, P)

# AUC: 40 scores a column from a small generator, which the test repeats, labels that follow them loosely.
seed = 1
numbers = []
for _ in range(240):
    seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
    numbers.append((seed >> 16) / 32768)
scores = np.array(numbers[:120], "float32").reshape(40, 3)
labels = (np.array(numbers[120:], "float32").reshape(40, 3) < scores).astype("float32")
weights = np.arange(40, dtype="float32") % 3 / 2


def area(name, weighted=False, columns=3, **arguments):
    metric = metrics.AUC(**arguments)
    for rows in (slice(0, 25), slice(25, 40)):
        chosen = weights[rows] if weighted else None
        metric.update_state(labels[rows, :columns], scores[rows, :columns], chosen)
    show(f"auc {name}", metric.result())


for curve in ("ROC", "PR", "PRGAIN"):
    for method in ("interpolation", "minoring", "majoring"):
        area(f"{curve} {method}", curve=curve, summation_method=method)
area("one column weighted", weighted=True, columns=1)
area("20 thresholds", num_thresholds=20)
area("given thresholds", thresholds=[0.7, 0.1, 0.35])
area("multi label", multi_label=True)
area("multi label weighted", multi_label=True, label_weights=[1, 2, 0.5], weighted=True)
area("multi label PR", multi_label=True, curve="PR")
area("label weights", label_weights=[1, 2, 0.5], weighted=True)
area("logits", from_logits=True)
