"""The sizes that every peer's script shares."""

BATCH = {"w1": 128, "w2": 128, "w3": 64, "w4": 128}
SHAPE = {"w1": (784,), "w2": (28, 28, 1), "w3": (32, 32, 3), "w4": (13,)}  # channels last
STEPS = {"w1": 400, "w2": 60, "w3": 40, "w4": 1000}
MC_INPUTS, MC_SAMPLES = 1000, 100
IMAGES = 50_000
WARM_UP = 5


def arguments(peer, modes):
    """What all scripts take: WORKLOAD TASK [--mode M] [--threads N] [--size N] [--steps N]."""
    import argparse

    parser = argparse.ArgumentParser(description=f"Times {peer} and prints one line of JSON.")
    parser.add_argument("workload", choices=sorted(BATCH))
    parser.add_argument("task", choices=["train", "predict", "mc", "memory"])
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, help="samples of a call of predict [256], or networks of mc [100]")
    parser.add_argument("--steps", type=int, help="steps or calls that are timed")
    chosen = parser.parse_args()
    usual = {"train": STEPS[chosen.workload], "predict": 50, "mc": 3, "memory": STEPS[chosen.workload]}
    chosen.steps = chosen.steps or usual[chosen.task]
    chosen.size = chosen.size or (MC_SAMPLES if chosen.task == "mc" else 256)
    return chosen


def timed(step, steps, warm_up=WARM_UP):
    """Milliseconds of each call after the warm-up, sorted."""
    import time

    times = []
    for index in range(warm_up + steps):
        start = time.perf_counter()
        step()
        if index >= warm_up:
            times.append((time.perf_counter() - start) * 1e3)
    return sorted(times)


def report(peer, chosen, times):
    """The line. Memory is measured from outside, the same way for every program."""
    import json

    line = {"peer": peer, "workload": chosen.workload, "task": chosen.task, "threads": chosen.threads}
    if times:
        line["ms"] = {"min": times[0], "median": times[len(times) // 2], "max": times[-1]}
    print(json.dumps(line))
