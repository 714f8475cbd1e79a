"""The tutorial's two printed models on MNIST in TensorFlow/Keras, as a program:
python tensorflow_tutorial.py FOLDER [EPOCHS], where FOLDER has what `thinnet data export mnist --out FOLDER` writes.
"""
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from tensorflow.keras.layers import Dense, Dropout, Input
from tensorflow.keras.models import Sequential

folder, epochs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10
x, y, x_test, y_test = (np.load(f"{folder}/{name}.npy") for name in ["x", "y", "x_test", "y_test"])
x, x_test = x.reshape(-1, 784), x_test.reshape(-1, 784)

for use_dropout in [True, False]:
    # Without dropout, the tutorial puts another Dense layer where the Dropout was.
    between = lambda rate, units: Dropout(rate) if use_dropout else Dense(units, activation="relu")
    model = Sequential([Input((784,)), Dense(128, activation="relu"), between(0.2, 128), Dense(64, activation="relu"),
                        between(0.3, 64), Dense(10, activation="softmax")])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=epochs, batch_size=128, validation_split=0.2, verbose=0)
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"{'with' if use_dropout else 'without'} dropout: test loss {loss:.4f}, accuracy {accuracy:.4f}")
