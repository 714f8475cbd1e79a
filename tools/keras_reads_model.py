"""Check that Keras reads a model file of Thinnet: same configuration, same weights, same predictions.

usage: python keras_reads_model.py MODEL.safetensors X.npy PREDICTIONS.npy
where `thinnet predict --model MODEL.safetensors --input X.npy --output PREDICTIONS.npy` made the predictions.
Needs: pip install keras tensorflow-cpu safetensors. Prints the largest difference; fails above 1e-5.
"""
import sys

import keras
import numpy
import safetensors
from safetensors.numpy import load_file

path, inputs, predictions = sys.argv[1:]
tensors = load_file(path)
with safetensors.safe_open(path, "numpy") as file:
    model = keras.models.model_from_json(file.metadata()["thinnet.model"])
assert len(model.weights) == len(tensors)
for variable in model.weights:
    variable.assign(tensors[variable.path.removeprefix(model.name + "/")])
x = numpy.load(inputs).reshape(-1, *model.input_shape[1:])
difference = abs(model.predict(x, verbose=0) - numpy.load(predictions)).max()
print(f"largest difference {difference:.2e}")
assert difference < 1e-5
