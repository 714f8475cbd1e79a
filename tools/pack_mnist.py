#!/usr/bin/env python3
"""Makes crates/thinnet-mnist/data/*.zst from the four published MNIST files.

    tools/pack_mnist.py FOLDER

FOLDER holds train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, plain
or with .gz. They are compared with the MD5 sums of the published files before anything is written.

What is packed is the files' contents without their headers: a frame for every 10,000 images, so that frames can be
unpacked by several threads, and one for the labels, those of training first. Needs Python 3.8 and the `zstd` program
(1.5 made the files in the repository, 10.1 MB in all). It takes half a minute.
"""

import gzip
import hashlib
import pathlib
import subprocess
import sys

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates" / "thinnet-mnist" / "data"
FRAME = 10_000 * 28 * 28

# name, length of the header, MD5 of the published file
PUBLISHED = [
    ("train-images-idx3-ubyte", 16, "6bbc9ace898e44ae57da46a324031adb"),
    ("t10k-images-idx3-ubyte", 16, "2646ac647ad5339dbf082846283269ea"),
    ("train-labels-idx1-ubyte", 8, "a25bea736e30d166cdddb491f175f624"),
    ("t10k-labels-idx1-ubyte", 8, "27ae3e4e09519cfbb04c329615203637"),
]


def payload(folder, name, header, md5):
    plain = folder / name
    packed = folder / (name + ".gz")
    if plain.exists():
        contents = plain.read_bytes()
    elif packed.exists():
        contents = gzip.decompress(packed.read_bytes())
    else:
        sys.exit(f"neither {plain} nor {packed} exists")
    found = hashlib.md5(contents).hexdigest()
    if found != md5:
        sys.exit(f"{name} in {folder} is not the published file: MD5 {found}, expected {md5}")
    return contents[header:]


def pack(name, contents):
    # The threads' number must not change the bytes: one.
    command = ["zstd", "--ultra", "-22", "-T1", "--no-check", "--quiet", "--stdout"]
    path = OUT / name
    path.write_bytes(subprocess.run(command, input=contents, stdout=subprocess.PIPE, check=True).stdout)
    print(f"{path}: {len(contents):,} -> {path.stat().st_size:,} bytes")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    train, test, train_labels, test_labels = (payload(folder, *file) for file in PUBLISHED)
    OUT.mkdir(exist_ok=True)
    for frame in range(6):
        pack(f"train-images-{frame}.zst", train[frame * FRAME : (frame + 1) * FRAME])
    pack("test-images.zst", test)
    pack("labels.zst", train_labels + test_labels)


if __name__ == "__main__":
    main()
