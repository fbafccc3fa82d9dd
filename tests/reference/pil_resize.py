# SPDX-License-Identifier: BSL-1.0
"""Writes fixtures/pil_resize.bin: what the Python Imaging Library makes of the pictures that
tests/data/image.cpp builds by the same rule. Concatenated 8-bit RGB pictures, in the order of CASES.

    python tests/reference/pil_resize.py          (pip install 'pillow<13' numpy; made with Pillow 11.3)

Pillow 13 resizes the columns first where the height shrinks by more than twice as many pixels as the width does, which
moves some bytes by one. The library keeps to rows first, as every version did with which the papers were made.
"""
from pathlib import Path

import numpy as np
import PIL
from PIL import Image

# height, width of the picture; top, left, height, width of the crop; height, width of the result; filter
CASES = [
    (37, 23, 0, 0, 37, 23, 16, 16, "bicubic"),
    (20, 31, 0, 0, 20, 31, 29, 40, "bicubic"),
    (20, 31, 0, 0, 20, 31, 29, 40, "bilinear"),
    (150, 200, 0, 0, 150, 200, 24, 17, "bicubic"),
    (150, 200, 0, 0, 150, 200, 17, 24, "bilinear"),
    (90, 70, 13, 9, 41, 52, 24, 24, "bicubic"),
    (90, 70, 89, 0, 1, 70, 24, 24, "bilinear"),
    (1, 1, 0, 0, 1, 1, 5, 3, "bicubic"),
    (300, 5, 0, 0, 300, 5, 7, 9, "bicubic"),
    (5, 300, 2, 1, 3, 299, 3, 20, "bicubic"),
    (28, 28, 3, 5, 19, 23, 28, 28, "bicubic"),
    (28, 28, 0, 0, 28, 14, 28, 28, "bilinear"),
    (40, 33, 0, 0, 40, 33, 39, 32, "bicubic"),
]


def picture(height, width):
    """Half of the 16 x 16 tiles smooth, half of them noise, so that overshoot and clamping occur."""
    state, pixels = height * 65536 + width, np.zeros((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            for c in range(3):
                state = (state * 1664525 + 1013904223) % 2**32
                noise = (state >> 24) if (y // 16 + x // 16) % 2 else (x * 3 + y * 2 + c * 40) % 256
                pixels[y, x, c] = 255 * (noise > 127) if c == 1 else noise
    return Image.fromarray(pixels)


def main():
    assert int(PIL.__version__.split(".")[0]) < 13, "Pillow 13 computes other bytes: see above"
    filters = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
    with open(Path(__file__).parent / "fixtures" / "pil_resize.bin", "wb") as out:
        for height, width, top, left, rows, columns, to_height, to_width, name in CASES:
            cropped = picture(height, width).crop((left, top, left + columns, top + rows))
            out.write(cropped.resize((to_width, to_height), filters[name]).tobytes())


if __name__ == "__main__":
    main()
