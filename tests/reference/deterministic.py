# SPDX-License-Identifier: BSL-1.0
"""Weights, images and noise as a function of a name and an index, so that fixtures need not store them.

u(name, j) = (splitmix64 finaliser of FNV-1a-64(name) + (j + 1) * 0x9E3779B97F4A7C15 (mod 2^64) >> 11) * 2^-53
"""

import math

import numpy as np
import torch


def fnv1a64(name):
    h = 0xCBF29CE484222325
    for byte in name.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    return h


def uniform(name, *shape):
    """float64 tensor of uniforms in [0, 1); j runs in row-major order."""
    with np.errstate(over="ignore"):
        x = np.uint64(fnv1a64(name)) + np.arange(1, math.prod(shape) + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x = x ^ (x >> np.uint64(31))
    return torch.from_numpy((x >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)


def images(batch, height, width):
    """[B, 3, H, W], uniform in (-2, 2)."""
    return (uniform("images", batch, 3, height, width) - 0.5) * 4


def weight(name, shape):
    """Norm weights 1 +- 0.2; biases and tokens uniform with deviation 0.08; matrices Xavier-uniform on [rows, rest]."""
    centred = uniform(name, *shape) - 0.5
    if "norm" in name and name.endswith(".weight"):
        return 1 + centred * 0.4
    if len(shape) in (1, 3):
        return centred * 2 * (math.sqrt(3) * 0.08)
    fan_out, fan_in = shape[0], math.prod(shape[1:])
    return centred * 2 * math.sqrt(6 / (fan_in + fan_out))


@torch.no_grad()
def fill(model):
    for name, parameter in model.parameter_list():
        parameter.copy_(weight(name, parameter.shape))
    return model
