"""Makes experiments/papers/gal-2017/: the synthetic data of Gal, Hron & Kendall 2017, "Concrete dropout".

y = 2x + 8 + noise, x and the noise normal with variance 1: 10,000 samples to train on (the experiments take the first ones), 1,000
to test on. Needs NumPy.
"""

from pathlib import Path

import numpy

folder = Path(__file__).parent.parent / "experiments/papers/gal-2017"
folder.mkdir(exist_ok=True)
generator = numpy.random.default_rng(2017)
for samples, suffix in [(10_000, ""), (1_000, "_test")]:
    x = generator.normal(size=(samples, 1))
    y = 2 * x + 8 + generator.normal(size=(samples, 1))
    numpy.save(folder / f"x{suffix}.npy", x.astype(numpy.float32))
    numpy.save(folder / f"y{suffix}.npy", y.astype(numpy.float32))
