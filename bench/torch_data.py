#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""What bench_data_path measures, with torchvision: Pillow's decoder, RandomResizedCrop (bicubic), flip, ToTensor, Normalize, on one thread.
One pass over the folder for each line of standard input; see peer.py --data."""

import pathlib
import resource
import sys
import time

import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

torch.set_num_threads(1)
files = sorted(p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
size = int(sys.argv[2])
transform = transforms.Compose([
    transforms.RandomResizedCrop(size, scale=(0.2, 1.0), interpolation=InterpolationMode.BICUBIC),
    transforms.RandomHorizontalFlip(),
    transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])
print(len(files), flush=True)
for _ in sys.stdin:
    start, total = time.perf_counter(), 0.0
    for file in files:
        with Image.open(file) as picture:
            total += transform(picture.convert("RGB"))[1, size // 2, size // 2].item()
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, total, flush=True)
