#!/usr/bin/env python3
"""Makes crates/thinnet-cifar-sample/data/sample.bin, a part of CIFAR-10, from all of it as JPEG files.

    tools/pack_cifar_sample.py ARCHIVE

ARCHIVE is a tar file, packed or not, with train/CLASS/NAME.jpg and test/CLASS/NAME.jpg. Of each class the first 500 training
and the first 100 test pictures by name are taken, as the files that they are; then each half is put in a random order,
always the same.

The files begin with the same bytes, up to the picture's own data. So what is written is, integers little-endian:

    u32                 length of the shared beginning
    ...                 the shared beginning
    u32                 number of pictures, those of training first
    u8, u16             for each picture: label, length of the rest of its file
    ...                 the rests, one after the other

Needs Python 3.8.
"""

import pathlib
import random
import struct
import sys
import tarfile

OUT = pathlib.Path(__file__).resolve().parent.parent / "crates" / "thinnet-cifar-sample" / "data" / "sample.bin"
CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
EACH = {"train": 500, "test": 100}


def beginning(jpeg):
    """The length of a file's segments before the picture's own data."""
    at = 2
    while True:
        marker, length = struct.unpack(">HH", jpeg[at : at + 4])
        at += 2 + length
        if marker == 0xFFDA:
            return at


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    files = {}
    with tarfile.open(sys.argv[1]) as archive:
        for member in archive:
            if member.isfile():
                files[member.name] = archive.extractfile(member).read()

    order = random.Random(2009)
    pictures = []
    for half, each in EACH.items():
        chosen = []
        for label, name in enumerate(CLASSES):
            names = sorted(path for path in files if path.startswith(f"{half}/{name}/"))
            if len(names) < each:
                sys.exit(f"{half}/{name}: expected at least {each} pictures, got {len(names)}")
            chosen += [(label, files[path]) for path in names[:each]]
        order.shuffle(chosen)
        pictures += chosen

    first = pictures[0][1]
    shared = first[: beginning(first)]
    for _, jpeg in pictures:
        if not jpeg.startswith(shared):
            sys.exit("the files do not begin with the same bytes")
    rests = [(label, jpeg[len(shared) :]) for label, jpeg in pictures]
    parts = [struct.pack("<I", len(shared)), shared, struct.pack("<I", len(rests))]
    parts += [struct.pack("<BH", label, len(rest)) for label, rest in rests]
    parts += [rest for _, rest in rests]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_bytes(b"".join(parts))
    print(f"{OUT}: {len(rests):,} pictures, {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
