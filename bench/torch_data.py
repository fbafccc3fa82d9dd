#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What bench_data_path measures, with torchvision on one thread: a random crop (bicubic), a flip and normalisation of a folder of pictures.

    yes | head -n 5 | python bench/torch_data.py PICTURES 224 pil       Pillow decodes and resizes; then ToTensor
    yes | head -n 5 | python bench/torch_data.py PICTURES 224 tensor    torchvision's own decoder, tensor transforms from uint8 on

One pass over the folder for each line of standard input; see peer.py --data."""

import pathlib
import resource
import sys
import time

import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode, v2

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pil(size):
    transform = transforms.Compose([
        transforms.RandomResizedCrop(size, scale=(0.2, 1.0), interpolation=InterpolationMode.BICUBIC),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, DEVIATION),
    ])

    def load(file):
        with Image.open(file) as picture:
            return transform(picture.convert("RGB"))

    return load


def tensor(size):
    from torchvision.io import decode_image  # of a file: torchvision 0.20 or newer

    transform = v2.Compose([
        v2.RandomResizedCrop(size, scale=(0.2, 1.0), interpolation=InterpolationMode.BICUBIC, antialias=True),
        v2.RandomHorizontalFlip(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, DEVIATION),
    ])
    return lambda file: transform(decode_image(str(file), mode="RGB"))


def main():
    torch.set_num_threads(1)
    folder, size, form = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    load = {"pil": pil, "tensor": tensor}[form](size)
    print(len(files), flush=True)
    for _ in sys.stdin:
        start, total = time.perf_counter(), 0.0
        for file in files:
            total += load(file)[1, size // 2, size // 2].item()
        print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, total, flush=True)


if __name__ == "__main__":
    main()
