#!/usr/bin/env python3
"""Measures Thinnet and its peers in turns, and prints what README.md describes.

Standard library only. Everything runs as a program of its own, one at a time, and on the same cores.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PACKAGES = {"torch": ["torch"], "tensorflow": ["tensorflow-cpu"], "jax": ["jax", "optax"]}
MODES = {"torch": ["plain", "channels_last", "compile"], "tensorflow": ["plain", "xla"], "jax": ["jit"]}
SETS = ["train", "predict", "mc", "memory", "tutorial"]


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--thinnet", type=Path, default=ROOT / "target/release/thinnet", help="the program")
    parser.add_argument("--venvs", type=Path, default=ROOT / "target/peers",
                        help="a folder of virtual environments torch, tensorflow, jax; missing ones are made")
    parser.add_argument("--peers", nargs="+", choices=PACKAGES, default=list(PACKAGES))
    parser.add_argument("--only", nargs="+", choices=SETS, default=SETS, help="what to measure")
    parser.add_argument("--workloads", nargs="+", choices=["w1", "w2", "w3", "w4"], default=["w1", "w2", "w3", "w4"],
                        help="whose training steps (w1 to w4) and Monte-Carlo prediction (w1, w3) are timed")
    parser.add_argument("--rounds", type=int, default=3, help="turns; the table has the medians of all")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=int, help="steps or calls a run, to try things out")
    parser.add_argument("--epochs", type=int, default=10, help="of the tutorial's models")
    parser.add_argument("--out", type=Path, help="write all that was measured there, as JSON")
    return parser.parse_args()


def python_of(options, peer):
    """The interpreter of a peer's virtual environment, which is made where there is none."""
    venv = options.venvs / peer
    python = venv / "bin/python"
    if not python.exists():
        print(f"making {venv}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES[peer]], check=True)
    return str(python)


def run(command, threads):
    """Runs a program: (its output, seconds, MiB that it held at most)."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "THINNET_THREADS": str(threads)}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=error, env=environment, cwd=HERE)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), error.seek(0)
        if child.returncode != 0:
            last = error.read().strip().splitlines()[-1:] or ["no message"]
            raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}: {last[0]}")
        kibibyte = 1 if sys.platform == "linux" else 1024  # macOS counts bytes
        return out.read(), seconds, usage.ru_maxrss / kibibyte / 1024


def line(text):
    return json.loads(text.strip().splitlines()[-1])


def thinnet_of(options, workload, task, size):
    """Milliseconds, or MiB for memory."""
    task_flags = {"train": [], "predict": ["--predict", str(size)], "mc": ["--mc", str(size)], "memory": ["--memory"]}
    steps = ["--steps", str(options.steps)] if options.steps else []
    command = [str(options.thinnet), "bench", workload, *task_flags[task], "--threads", str(options.threads), *steps]
    text, _, memory = run(command, options.threads)
    key = {"train": "ms_per_step", "predict": "ms_per_predict", "mc": "ms_per_predict_mc"}.get(task)
    return memory if key is None else line(text)[key]["median"]


def peer_of(options, python, peer, mode, workload, task, size):
    command = [python, str(HERE / f"{peer}_peer.py"), workload, task, "--mode", mode, "--threads", str(options.threads)]
    command += ["--size", str(size)] if size else []
    command += ["--steps", str(options.steps)] if options.steps else []
    text, _, memory = run(command, options.threads)
    return memory if task == "memory" else line(text)["ms"]["median"]


def tutorial_of(options, folder):
    """Seconds of whole programs."""
    command = [str(options.thinnet), "tutorial", "--epochs", str(options.epochs), "--out"]

    def thinnet():
        with tempfile.TemporaryDirectory() as out:
            return run([*command, f"{out}/run"], options.threads)[1]

    def tensorflow():
        script = [python_of(options, "tensorflow"), str(HERE / "tensorflow_tutorial.py"), folder, str(options.epochs)]
        return run(script, options.threads)[1]

    return {"thinnet": thinnet, "tensorflow-plain": tensorflow}


def rows_of(options):
    """What is measured: (its name, unit, workload, task, size)."""
    rows = []
    if "train" in options.only:
        rows += [(f"{which}: a training step", "ms", which, "train", None) for which in options.workloads]
    if "predict" in options.only:
        rows += [(f"w3's network: prediction, batch {size}", "ms", "w3", "predict", size) for size in (1, 256)]
    if "mc" in options.only:
        name = "{}'s network: Monte-Carlo dropout, 100 samples for 1,000 inputs"
        rows += [(name.format(which), "ms", which, "mc", 100) for which in ("w1", "w3") if which in options.workloads]
    if "memory" in options.only:
        rows += [("w3's network: peak memory of training on 50,000 images", "MiB", "w3", "memory", None)]
    return rows


def measure(options):
    """Rows of (name, unit, {program: numbers, one a round}); a program that fails has its message instead."""
    result = []
    for name, unit, workload, task, size in rows_of(options):
        calls = {"thinnet": lambda w=workload, t=task, s=size: thinnet_of(options, w, t, s)}
        for peer in options.peers:
            python = python_of(options, peer)
            for mode in MODES[peer]:
                calls[f"{peer}-{mode}"] = lambda p=python, q=peer, m=mode, w=workload, t=task, s=size: peer_of(
                    options, p, q, m, w, t, s)
        result.append((name, unit, in_turns(options, name, calls)))
    if "tutorial" in options.only and "tensorflow" in options.peers:
        with tempfile.TemporaryDirectory() as folder:
            run([str(options.thinnet), "data", "export", "mnist", "--out", folder], options.threads)
            name = f"the tutorial, whole process, {options.epochs} epochs"
            result.append((name, "s", in_turns(options, name, tutorial_of(options, folder))))
    return result


def in_turns(options, name, calls):
    numbers = {program: [] for program in calls}
    for turn in range(options.rounds):
        for program, call in calls.items():
            if isinstance(numbers[program], str):
                continue
            print(f"{name}: {program}, round {turn + 1} of {options.rounds}", file=sys.stderr)
            try:
                numbers[program].append(call())
            except RuntimeError as error:
                print(error, file=sys.stderr)
                numbers[program] = str(error)
    return numbers


def medians(numbers):
    return {program: statistics.median(of) for program, of in numbers.items() if not isinstance(of, str)}


def digits(number):
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def markdown(measured):
    """For each row the medians, and how many times as much the fastest peer and each library's fastest mode take."""
    lines = ["| | Thinnet | fastest peer | PyTorch | TensorFlow | JAX |", "|---|---|---|---|---|---|"]
    for name, unit, numbers in measured:
        of = medians(numbers)
        own = of.pop("thinnet", None)

        def cell(prefix):
            best = min(((v, k) for k, v in of.items() if k.startswith(prefix)), default=None)
            if best is None:
                return "–"
            ratio = f", {best[0] / own:.2f} ×" if own else ""
            return f"{digits(best[0])} {unit} ({best[1]}){ratio}"

        cells = [digits(own) + f" {unit}" if own else "failed", *map(cell, ["", "torch", "tensorflow", "jax"])]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine():
    try:
        names = [l.split(":", 1)[1].strip() for l in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in l]
    except OSError:
        names = []
    return {"cpu": names[0] if names else platform.processor(), "cores": os.cpu_count(), "system": platform.platform()}


def main():
    options = parse()
    if not options.thinnet.exists():
        sys.exit(f"{options.thinnet} is not there: cargo build --release, or say where it is with --thinnet")
    options.thinnet, options.venvs = options.thinnet.resolve(), options.venvs.resolve()
    measured = measure(options)
    about = {**machine(), "threads": options.threads, "rounds": options.rounds, "date": time.strftime("%Y-%m-%d")}
    print(f"{about['cpu']}, {about['threads']} of {about['cores']} cores, {about['date']}; medians of "
          f"{about['rounds']} rounds in turns. × says how many times as much the peer takes.\n")
    print(markdown(measured))
    if options.out:
        rows = [{"name": name, "unit": unit, "medians": medians(numbers), "rounds": numbers}
                for name, unit, numbers in measured]
        options.out.write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")
    if any(isinstance(of, str) for _, _, numbers in measured for of in numbers.values()):
        sys.exit("some programs failed: see above")


if __name__ == "__main__":
    main()
