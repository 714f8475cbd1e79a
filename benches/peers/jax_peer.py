"""JAX with jit and optax: python jax_peer.py WORKLOAD TASK. Needs: pip install jax optax."""
import os
import sys

# JAX takes as many threads as it may run on: say so before it is imported.
if "--threads" in sys.argv:
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[: int(sys.argv[sys.argv.index("--threads") + 1])])
import jax
import jax.numpy as jnp
import numpy as np
import optax
from workloads import BATCH, IMAGES, MC_INPUTS, SHAPE, arguments, report, timed

chosen = arguments("JAX", ["jit"])
which, batch = chosen.workload, BATCH[chosen.workload]
glorot = jax.nn.initializers.glorot_uniform()


def weights(key, *shape):
    return glorot(key, shape), jnp.zeros(shape[-1])


def dense(x, p):
    return x @ p[0] + p[1]


def conv(x, p, padding):
    numbers = ("NHWC", "HWIO", "NHWC")
    return jax.nn.relu(jax.lax.conv_general_dilated(x, p[0], (1, 1), padding, dimension_numbers=numbers) + p[1])


def pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def dropout(key, x, rate, spatial=False):
    if key is None:
        return x
    shape = (x.shape[0], 1, 1, x.shape[3]) if spatial else x.shape
    return jnp.where(jax.random.bernoulli(key, 1 - rate, shape), x / (1 - rate), 0)


def flat(x):
    return x.reshape(len(x), -1)


SHAPES = {
    "w1": [(784, 128), (128, 64), (64, 10)],
    "w2": [(3, 3, 1, 32), (3, 3, 32, 64), (1600, 128), (128, 10)],
    "w3": [(3, 3, 3, 32), (3, 3, 32, 32), (3, 3, 32, 64), (3, 3, 64, 64), (4096, 512), (512, 10)],
    "w4": [(13, 50), (50, 1)],
}[which]


def outputs(p, x, key):
    """The logits, or what is predicted; without a key nothing is dropped."""
    a, b, c = (None, None, None) if key is None else jax.random.split(key, 3)
    if which == "w1":
        x = dropout(a, jax.nn.relu(dense(x, p[0])), 0.2)
        return dense(dropout(b, jax.nn.relu(dense(x, p[1])), 0.3), p[2])
    if which == "w2":
        x = pool(dropout(a, conv(x, p[0], "VALID"), 0.2, True))
        x = pool(dropout(b, conv(x, p[1], "VALID"), 0.3, True))
        return dense(dropout(c, jax.nn.relu(dense(flat(x), p[2])), 0.4), p[3])
    if which == "w3":
        x = dropout(a, pool(conv(conv(x, p[0], "SAME"), p[1], "SAME")), 0.25)
        x = dropout(b, pool(conv(conv(x, p[2], "SAME"), p[3], "SAME")), 0.25)
        return dense(dropout(c, jax.nn.relu(dense(flat(x), p[4])), 0.5), p[5])
    return dense(dropout(b, jax.nn.relu(dense(dropout(a, x, 0.05), p[0])), 0.05), p[1])


def loss_of(p, x, y, key):
    if which == "w4":
        return ((outputs(p, x, key) - y) ** 2).mean() + 1e-6 * sum((w**2).sum() for w, _ in p)
    return optax.softmax_cross_entropy_with_integer_labels(outputs(p, x, key), y).mean()


def probabilities(p, x, key):
    y = outputs(p, x, key)
    return y if which == "w4" else jax.nn.softmax(y)


def inputs(count):
    return np.random.rand(count, *SHAPE[which]).astype("float32")


def targets(count):
    return np.random.rand(count, 1).astype("float32") if which == "w4" else np.random.randint(0, 10, count)


keys = jax.random.split(jax.random.key(0), len(SHAPES) + 1)
params = [weights(key, *shape) for key, shape in zip(keys, SHAPES)]
optimizer = optax.adam(1e-3)
state, key = optimizer.init(params), keys[-1]


def step(params, state, key, x, y):
    key, own = jax.random.split(key)
    loss, gradient = jax.value_and_grad(loss_of)(params, x, y, own)
    updates, state = optimizer.update(gradient, state, params)
    return optax.apply_updates(params, updates), state, key, loss


compiled = jax.jit(step, donate_argnums=(0, 1))


def train(x, y):
    global params, state, key
    params, state, key, loss = compiled(params, state, key, x, y)
    loss.block_until_ready()


times = None
if chosen.task == "train":
    x, y = jnp.asarray(inputs(batch)), jnp.asarray(targets(batch))
    times = timed(lambda: train(x, y), chosen.steps)
elif chosen.task == "predict":
    x, call = jnp.asarray(inputs(chosen.size)), jax.jit(lambda p, x: probabilities(p, x, None))
    times = timed(lambda: call(params, x).block_until_ready(), chosen.steps)
elif chosen.task == "mc":
    x, call = jnp.asarray(inputs(MC_INPUTS)), jax.jit(probabilities)

    def sample(networks):
        total, squares = 0, 0
        for own in jax.random.split(key, networks):
            y = call(params, x, own)
            total, squares = total + y, squares + y * y
        return (total / networks).block_until_ready(), (squares / networks).block_until_ready()

    sample(2)
    times = timed(lambda: sample(chosen.size), chosen.steps, 0)
else:
    x, y = inputs(IMAGES), targets(IMAGES)
    order = np.random.permutation(IMAGES)
    for index in range(chosen.steps):
        rows = order[(np.arange(batch) + index * batch) % IMAGES]
        train(jnp.asarray(x[rows]), jnp.asarray(y[rows]))
report("jax-jit", chosen, times)
