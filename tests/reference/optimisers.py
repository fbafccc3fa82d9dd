# SPDX-License-Identifier: BSL-1.0
"""Writes fixtures/optimisers.safetensors: steps of AdamW, SGD and LARS on three small tensors, in float64.

AdamW and SGD are torch.optim's. LARS (You, Gitman and Ginsburg 2017) is written from MAE's linear probe (He et al. 2022,
appendix A.2; its released code): weight decay and the trust ratio for tensors of two or more dimensions only, then momentum.
The gradient of step t is a function of the parameters: t * p + uniform noise, so that an error of one step shows in the next.
"""

import json

import torch
from safetensors.torch import save_file

import deterministic

SHAPES = {"matrix": (5, 7), "bias": (7,), "token": (1, 1, 6)}
STEPS = 6


def gradient(name, step, parameter):
    noise = deterministic.uniform(f"optimisers.{name}.{step}", *parameter.shape) - 0.5
    return 0.1 * step * parameter.detach() + noise


class Lars(torch.optim.Optimizer):
    def __init__(self, parameters, lr, momentum, weight_decay, trust):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay, trust=trust))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                update = p.grad
                if p.dim() > 1:
                    update = update + group["weight_decay"] * p
                    of_parameter, of_update = p.norm(), update.norm()
                    if of_parameter > 0 and of_update > 0:
                        update = update * (group["trust"] * of_parameter / of_update)
                velocity = self.state[p].setdefault("velocity", torch.zeros_like(p))
                velocity.mul_(group["momentum"]).add_(update)
                p.sub_(velocity, alpha=group["lr"])


def groups(parameters, weight_decay):
    """Decay for tensors of two or more dimensions, as everywhere in this reference."""
    wide = [p for p in parameters.values() if p.dim() > 1]
    narrow = [p for p in parameters.values() if p.dim() <= 1]
    return [dict(params=wide, weight_decay=weight_decay), dict(params=narrow, weight_decay=0.0)]


CASES = {
    "adamw": lambda p: torch.optim.AdamW(groups(p, 0.05), lr=0.01, betas=(0.9, 0.95), eps=1e-8),
    "sgd": lambda p: torch.optim.SGD(groups(p, 0.05), lr=0.01, momentum=0.9),
    "sgd_plain": lambda p: torch.optim.SGD(groups(p, 0.0), lr=0.01),
    "sgd_nesterov": lambda p: torch.optim.SGD(groups(p, 0.05), lr=0.01, momentum=0.9, nesterov=True),
    "lars": lambda p: Lars(list(p.values()), lr=0.1, momentum=0.9, weight_decay=0.05, trust=0.001),
    "lars_zero": lambda p: Lars(list(p.values()), lr=0.1, momentum=0.9, weight_decay=0.0, trust=0.001),
}


def main():
    stored = {}
    for case, make in CASES.items():
        parameters = {}
        for name, shape in SHAPES.items():
            values = deterministic.uniform(f"optimisers.{name}", *shape) - 0.5
            if case == "lars_zero" and name == "matrix":
                values = torch.zeros(shape, dtype=torch.float64)  # no trust ratio where the norm is zero
            parameters[name] = torch.nn.Parameter(values)
        optimiser = make(parameters)
        for step in range(1, STEPS + 1):
            for name, parameter in parameters.items():
                parameter.grad = gradient(name, step, parameter)
            optimiser.step()
            for name, parameter in parameters.items():
                stored[f"{case}.{step}.{name}"] = parameter.detach().clone()
    save_file(stored, "fixtures/optimisers.safetensors", {"configuration": json.dumps({"shapes": SHAPES, "steps": STEPS})})


if __name__ == "__main__":
    main()
