"""PyTorch: python torch_peer.py WORKLOAD TASK [--mode plain|channels_last|compile]. Needs: pip install torch."""
import torch
from torch import nn
from workloads import BATCH, IMAGES, MC_INPUTS, SHAPE, arguments, report, timed

chosen = arguments("PyTorch", ["plain", "channels_last", "compile"])
torch.set_num_threads(chosen.threads)
which, batch = chosen.workload, BATCH[chosen.workload]


def conv(inputs, outputs, padding):
    return [nn.Conv2d(inputs, outputs, 3, padding=padding), nn.ReLU()]


def network():
    if which == "w1":
        layers = [nn.Linear(784, 128), nn.ReLU(), nn.Dropout(0.2), nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.3),
                  nn.Linear(64, 10)]
    elif which == "w2":
        layers = [*conv(1, 32, 0), nn.Dropout2d(0.2), nn.MaxPool2d(2), *conv(32, 64, 0), nn.Dropout2d(0.3),
                  nn.MaxPool2d(2), nn.Flatten(), nn.Linear(1600, 128), nn.ReLU(), nn.Dropout(0.4), nn.Linear(128, 10)]
    elif which == "w3":
        layers = [*conv(3, 32, 1), *conv(32, 32, 1), nn.MaxPool2d(2), nn.Dropout(0.25), *conv(32, 64, 1),
                  *conv(64, 64, 1), nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten(), nn.Linear(4096, 512), nn.ReLU(),
                  nn.Dropout(0.5), nn.Linear(512, 10)]
    else:
        layers = [nn.Dropout(0.05), nn.Linear(13, 50), nn.ReLU(), nn.Dropout(0.05), nn.Linear(50, 1)]
    return nn.Sequential(*layers)


def placed(x):
    return x.contiguous(memory_format=torch.channels_last) if chosen.mode == "channels_last" and x.dim() == 4 else x


def inputs(count):
    shape = SHAPE[which]
    # PyTorch's own order: channels first.
    return torch.rand(count, *(shape if len(shape) == 1 else (shape[2], *shape[:2])))


model = network()
if chosen.mode == "channels_last":
    model = model.to(memory_format=torch.channels_last)
run = torch.compile(model) if chosen.mode == "compile" else model
# Keras's l2(c) adds c·Σw²; weight_decay adds its own number times w to the gradient.
optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True, weight_decay=2e-6 if which == "w4" else 0)
loss_of = nn.MSELoss() if which == "w4" else nn.CrossEntropyLoss()


def targets(count):
    return torch.rand(count, 1) if which == "w4" else torch.randint(0, 10, (count,))


def train(x, y):
    optimizer.zero_grad(set_to_none=True)
    loss_of(run(x), y).backward()
    optimizer.step()


def outputs(x):
    y = run(x)
    return y if which == "w4" else torch.softmax(y, 1)


times = None
if chosen.task == "train":
    model.train()
    x, y = placed(inputs(batch)), targets(batch)
    times = timed(lambda: train(x, y), chosen.steps)
elif chosen.task == "predict":
    model.eval()
    x = placed(inputs(chosen.size))
    with torch.inference_mode():
        times = timed(lambda: outputs(x), chosen.steps)
elif chosen.task == "mc":
    model.train()
    x = placed(inputs(MC_INPUTS))

    def sample(networks):
        total, squares = 0, 0
        for _ in range(networks):
            y = outputs(x)
            total, squares = total + y, squares + y * y
        return total / networks, squares / networks

    with torch.inference_mode():
        sample(2)
        times = timed(lambda: sample(chosen.size), chosen.steps, 0)
else:
    model.train()
    x, y = inputs(IMAGES), targets(IMAGES)
    order = torch.randperm(IMAGES)
    for step in range(chosen.steps):
        rows = order[(torch.arange(batch) + step * batch) % IMAGES]
        train(placed(x[rows]), y[rows])
report(f"torch-{chosen.mode}", chosen, times)
