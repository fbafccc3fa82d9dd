# SPDX-License-Identifier: BSL-1.0
"""Writes fixtures/*.safetensors, which the C++ tests load. `--compare` writes nothing and compares with what is there.

    python make_fixtures.py [--compare] [CASE ...]
"""

import argparse
import json
import math
import pathlib
import sys

import numpy as np
import safetensors
import safetensors.numpy
import torch
from torch.nn import functional as F

import deterministic
import digpt
import masks
import model as models
import orders

FOLDER = pathlib.Path(__file__).parent / "fixtures"
STEPS = 20
OPTIMISER = {"name": "AdamW", "lr": 1e-3, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.05}

# --- cases with gradients --------------------------------------------------------------------------------------------

SMALL = {"image": [12, 16], "patch": 4, "dim": 12, "heads": 3, "depth": 4, "batch": 3, "class_token": True}
PIXEL = {"gaussian": None, "norm_pix": True}
RAW = {"gaussian": None, "norm_pix": False}
BLURRED = {"gaussian": [9, 1.0], "norm_pix": True}
SAIM = SMALL | {"method": "parallel", "decoder_depth": 4, "reads_previous": False, "shared": False, "head": "mlp",
                "order": "stochastic", "target": BLURRED, "loss": "l2"}
SEMANTIC = {"order": "semantic", "mean_filter": "in_grid", "noise_scale": 0.01, "similarity": "cls"}
CAUSAL = SMALL | {"method": "causal", "head": "mlp", "order": "raster", "target": PIXEL, "loss": "l2"}
MAE = SMALL | {"method": "joint", "decoder_dim": 16, "decoder_depth": 2, "decoder_heads": 4, "order": "random_mask", "keep": 3,
               "target": PIXEL, "loss": "l2"}
TWIN = SMALL | {"method": "twin", "branches": ["gen", "dis"], "decoder_dim": 8, "decoder_depth": 2, "head_width": 4, "scope": "newest", "fusion": "four",
                "norms": "shared", "class_place": "last", "whole": False, "order": "clusters", "target": {"features": 12}, "loss": "l2"}
GVP = SMALL | {"method": "two_stream", "token_only": False, "head": "linear", "order": "ties", "target": RAW, "loss": "l2"}
IN_PLACE = SMALL | {"method": "in_place", "head": "linear", "order": "random_mask", "keep": 4, "target": RAW, "loss": "l1"}
TRAINED = {
    "saim": SAIM,
    "saim_decoder2": SAIM | {"decoder_depth": 2},
    "saim_decoder1": SAIM | {"decoder_depth": 1},
    "saim_decoder3": SAIM | {"decoder_depth": 3},
    "saim_reads_previous": SAIM | {"reads_previous": True},
    "saim_shared": SAIM | {"shared": True},
    "saim_pixel": SAIM | {"target": PIXEL},
    "saim_gaussian3": SAIM | {"target": {"gaussian": [3, 1.0], "norm_pix": True}},
    "saim_gaussian9_sigma1.5": SAIM | {"target": {"gaussian": [9, 1.5], "norm_pix": True}},
    "saim_no_norm_pix": SAIM | {"target": {"gaussian": [9, 1.0], "norm_pix": False}},
    "saim_l1": SAIM | {"loss": "l1"},
    "saim_smooth_l1": SAIM | {"loss": "smooth_l1"},
    "saim_linear_head": SAIM | {"head": "linear"},
    "saim_no_class_token": SAIM | {"class_token": False},
    "saim_raster": SAIM | {"order": "raster"},
    "saim_serpentine": SAIM | {"order": "serpentine"},
    "saim_ties": SAIM | {"order": "ties"},
    "saim_ties_no_class_token": SAIM | {"order": "ties", "class_token": False},
    "saim_ties_reads_previous": SAIM | {"order": "ties", "reads_previous": True},
    "saim_head_dim12": SAIM | {"dim": 24, "heads": 2, "depth": 2, "decoder_depth": 1, "head": "linear"},
    "semaim": SAIM | SEMANTIC,
    "semaim_zero_padding": SAIM | SEMANTIC | {"mean_filter": "zero_padding"},
    "vit_igpt": CAUSAL,
    "vit_igpt_stochastic": CAUSAL | {"order": "stochastic"},
    "vit_igpt_linear_no_norm_pix": CAUSAL | {"head": "linear", "target": {"gaussian": None, "norm_pix": False}},
    "mae": MAE,
    "mae_no_norm_pix": MAE | {"target": {"gaussian": None, "norm_pix": False}},
    "digpt": TWIN,
    "digpt_class_first": TWIN | {"class_place": "first"},
    "digpt_gen": TWIN | {"branches": ["gen"]},
    "digpt_dis": TWIN | {"branches": ["dis"]},
    "digpt_distil": TWIN | {"branches": ["gen", "distil"]},
    "digpt_every_prefix": TWIN | {"scope": "all"},
    "digpt_last_layer": TWIN | {"fusion": "last", "norms": "separate"},
    "digpt_separate_norms": TWIN | {"norms": "separate", "branches": ["gen"]},
    "digpt_whole_image": TWIN | {"branches": ["dis"], "whole": True, "order": "one_cluster"},
    "digpt_no_class_token": TWIN | {"class_token": False, "depth": 2, "head_width": 8},
    "digpt_no_class_token_every_prefix": TWIN | {"class_token": False, "depth": 2, "scope": "all", "whole": True, "norms": "separate"},
    "digpt_whole_image_both": TWIN | {"whole": True, "depth": 6, "head_width": 2},
    "digpt_every_prefix_class_first": TWIN | {"scope": "all", "class_place": "first", "depth": 2, "decoder_depth": 1},
    "digpt_every_prefix_whole_image": TWIN | {"scope": "all", "whole": True, "depth": 2, "decoder_depth": 3, "fusion": "last"},
    "digpt_cosine": TWIN | {"loss": "cosine"},
    "digpt_pixel": TWIN | {"target": PIXEL, "class_place": "first"},
    "digpt_resized_teacher": TWIN | {"target": {"features": 8, "grid": [6, 5]}, "loss": "cosine", "branches": ["dis"]},
    "digpt_resized_prediction": TWIN | {"target": {"features": 8, "grid": [8, 6]}, "loss": "cosine", "order": "rectangles", "resize": "prediction",
                                        "cluster": [3, 2], "image": [24, 16], "scope": "all"},
    "semaim_features": SAIM | {"order": "teacher", "target": {"features": 12}, "loss": "cosine", "noise_scale": 0.01},
    "gvp_codes": GVP | {"target": {"codes": 7}, "loss": "cross_entropy"},
    "vit_igpt_codes": CAUSAL | {"target": {"codes": 7}, "loss": "cross_entropy", "head": "linear"},
    "gvp_d2d": GVP | {"input_codes": 7, "target": {"codes": 7}, "loss": "cross_entropy"},
    "gvp_d2d_no_class_token": GVP | {"input_codes": 7, "target": {"codes": 7}, "loss": "cross_entropy", "class_token": False},
    "igpt": CAUSAL | {"image": [3, 4], "patch": 1, "input_codes": 7, "target": {"codes": 7}, "loss": "cross_entropy", "head": "linear"},
    "mage": MAE | {"order": "masks", "input_codes": 7, "target": {"codes": 7}, "loss": "cross_entropy"},
    "saim_of_codes": SAIM | {"input_codes": 7, "target": PIXEL},
    # GVP appendix E: y_extra instead of the class token; and beside it, with a label.
    "gvp_condition": GVP | {"class_token": False, "given": [["pooled", 5]]},
    "gvp_conditions": GVP | {"given": [["labels", 3], ["pooled", 5]]},
    "saim_conditions": SAIM | {"given": [["labels", 3], ["pooled", 5]]},
    "mae_condition": MAE | {"given": [["pooled", 5]]},
    "in_place_condition": IN_PLACE | {"given": [["pooled", 5]]},
    "vit_igpt_label": CAUSAL | {"class_token": False, "given": [["labels", 3]]},
    "gvp_d2d_conditions": GVP | {"input_codes": 7, "target": {"codes": 7}, "loss": "cross_entropy", "given": [["pooled", 5]]},
    "feature_distillation": TWIN | {"branches": ["distil"], "order": "one_cluster", "loss": "cosine"},
    "gvp": GVP,
    "gvp_token_only": GVP | {"token_only": True},
    "gvp_stochastic": GVP | {"order": "stochastic", "target": PIXEL, "head": "mlp"},
    "gvp_no_class_token": GVP | {"class_token": False},
    # Positions of an encoder, with every decoder that adds them to its queries, or reads keys that turn.
    "saim_learned": SAIM | {"positions": "learned"},
    "saim_frozen": SAIM | {"positions": "frozen"},
    "saim_rotary": SAIM | {"positions": "rotary"},
    "saim_ties_reads_first_learned": SAIM | {"positions": "learned", "order": "ties", "depth": 1, "decoder_depth": 1, "reads_previous": True},
    "mae_learned": MAE | {"positions": "learned"},
    "mae_rotary": MAE | {"positions": "rotary"},
    "gvp_learned": GVP | {"positions": "learned"},
    "gvp_rotary": GVP | {"positions": "rotary", "given": [["pooled", 5]]},
    "gvp_token_only_learned": GVP | {"positions": "learned", "token_only": True},
    "in_place_learned": IN_PLACE | {"positions": "learned"},
    "in_place_rotary": IN_PLACE | {"positions": "rotary"},
    "vit_igpt_none": CAUSAL | {"positions": "none"},
    "vit_igpt_rotary": CAUSAL | {"positions": "rotary"},
    "digpt_learned": TWIN | {"positions": "learned"},
    "igpt_learned": CAUSAL | {"image": [3, 4], "patch": 1, "input_codes": 7, "target": {"codes": 7}, "loss": "cross_entropy",
                              "head": "linear", "positions": "learned"},
    "saim_epsilon": SAIM | {"epsilon": 1e-3},
    "mae_epsilon": MAE | {"epsilon": 1e-3},
    "in_place": IN_PLACE,
    "in_place_ragged": IN_PLACE | {"order": "masks", "target": PIXEL, "loss": "l2", "class_token": False},
}

# Groups of equal rank, given patches (rank 0), images of different content length. The second image has no given patch,
# so that without a class token its first group reads nothing.
TIES = [
    [0, 2, 1, 3, 3, 1, 2, 0, 3, 1, 2, 2],
    [4, 1, 3, 1, 5, 2, 2, 4, 6, 5, 1, 3],
    [1, 0, 0, 1, 0, 2, 0, 1, 2, 0, 0, 2],
]

# Clusters of several shapes: four of 3 patches, three of different sizes, twelve of one patch.
RAGGED_CLUSTERS = [
    [2, 2, 4, 4, 2, 3, 4, 1, 3, 3, 1, 1],
    [1, 3, 3, 2, 1, 2, 2, 2, 3, 2, 2, 2],
    [5, 1, 12, 7, 3, 10, 2, 8, 11, 4, 9, 6],
]

# Another number of masked patches in every image; all of them in the second.
MASKS = [
    [0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0],
    [1] * 12,
    [1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1],
]


def build(c):
    common = {k: c[k] for k in ("image", "patch", "dim", "depth", "heads", "class_token")}
    if outputs := c.get("target", {}).get("features") or c.get("target", {}).get("codes"):
        common["out"] = outputs
    if "input_codes" in c:
        common["codes"] = c["input_codes"]
    if "given" in c:
        common["given"] = c["given"]
    if "positions" in c:
        common["kind"] = c["positions"]
    if "epsilon" in c:
        common["epsilon"] = c["epsilon"]
    if c["method"] == "parallel":
        m = models.ParallelPretrainer(**common, **{k: c[k] for k in ("decoder_depth", "head", "reads_previous", "shared")})
    elif c["method"] == "causal":
        m = models.CausalPretrainer(**common, head=c["head"])
    elif c["method"] == "joint":
        m = models.MaskedAutoencoder(**common, **{k: c[k] for k in ("decoder_dim", "decoder_depth", "decoder_heads")})
    elif c["method"] == "twin":
        own = ("branches", "decoder_dim", "decoder_depth", "head_width", "scope", "fusion", "norms", "class_place", "whole")
        if "grid" in c["target"]:
            common |= {"teacher_grid": c["target"]["grid"], "resize": c.get("resize", "teacher"), "cluster": c.get("cluster")}
        m = digpt.TwinPretrainer(**common, **{k: tuple(c[k]) if k == "branches" else c[k] for k in own})
    elif c["method"] == "two_stream":
        m = models.TwoStreamPretrainer(**common, head=c["head"], token_only=c["token_only"])
    elif c["method"] == "in_place":
        m = models.InPlacePretrainer(**common, head=c["head"])
    else:
        m = models.ViT(**common)
    return deterministic.fill(m)


def semantic(model, c, images, noise):
    """Every intermediate result of SemAIM's order."""
    s = orders.similarity(model, images, c["similarity"])
    filtered = s if c["mean_filter"] == "none" else orders.mean_filter(s, model.grid, c["mean_filter"] == "zero_padding")
    if "centers" in c:
        centre = orders.peaks(filtered, model.grid, c["centers"])
        keys = orders.nearest_distance_keys(centre, model.grid, noise, c["noise_scale"])
    else:
        centre = orders.most_similar(filtered, model.grid)
        keys = orders.distance_keys(centre, model.grid, noise, c["noise_scale"])
    return {"similarity": s, "filtered": filtered, "centre": centre, "keys": keys, "ranks": orders.ranks_from_keys(keys)}


def given_features(model, c):
    """[B, 1 + N, width]: what a teacher would say, class token first."""
    cells = math.prod(c["target"].get("grid", model.grid))
    return (deterministic.uniform("features", c["batch"], 1 + cells, c["target"]["features"]) - 0.5) * 4


def given_codes(model, c, codes):
    """[B, N]: what a tokenizer would say; the same for what is read and what is predicted."""
    return (deterministic.uniform("features", c["batch"], model.patches) * codes).long()


def given_conditions(model, c):
    """What teachers and labels would say, [B, width] or [B]; they follow the codes of all images."""
    tokens = c["batch"] * model.patches if "input_codes" in c else 0
    sizes = [size if kind == "pooled" else 1 for kind, size in c["given"]]
    numbers = deterministic.uniform("features", tokens + c["batch"] * sum(sizes))[tokens:].split([c["batch"] * size for size in sizes])
    for (kind, size), values in zip(c["given"], numbers):
        yield (values - 0.5).reshape(c["batch"], size) * 4 if kind == "pooled" else (values * (size + 1)).long()


def teacher_order(model, c, features, noise):
    """SemAIM's order from given features instead of the model's own."""
    s = F.cosine_similarity(features[:, :1], features[:, 1:], dim=-1).softmax(-1)
    filtered = orders.mean_filter(s, model.grid)
    centre = orders.most_similar(filtered, model.grid)
    keys = orders.distance_keys(centre, model.grid, noise, c["noise_scale"])
    return {"keys": keys, "ranks": orders.ranks_from_keys(keys)}


def make_ranks(model, c, images):
    batch, tokens = c["batch"], model.patches
    noise = deterministic.uniform("noise", batch, tokens)
    if c["order"] == "stochastic":
        return orders.ranks_from_keys(noise)
    if c["order"] in ("raster", "serpentine"):
        keys = orders.raster(model.grid) if c["order"] == "raster" else orders.serpentine(model.grid)
        return orders.ranks_from_keys(keys).expand(batch, -1)
    if c["order"] == "random_mask":
        return orders.random_mask(noise, c["keep"])
    if c["order"] in ("ties", "masks"):
        return torch.tensor(TIES if c["order"] == "ties" else MASKS)
    if c["order"] == "clusters":
        return torch.tensor(RAGGED_CLUSTERS)
    if c["order"] == "teacher":
        return teacher_order(model, c, given_features(model, c), noise)["ranks"]
    if c["order"] == "rectangles":
        rows, columns = c["cluster"]
        cluster = torch.arange(tokens) // model.grid[1] // rows * (model.grid[1] // columns) + torch.arange(tokens) % model.grid[1] // columns
        place = deterministic.uniform("noise.clusters", batch, int(cluster.max()) + 1).argsort(-1).argsort(-1) + 1
        return place[:, cluster]
    if c["order"] == "one_cluster":
        return torch.ones(batch, tokens, dtype=torch.int64)
    return semantic(model, c, images, noise)["ranks"]


def trained_case(c):
    """Ranks, target, predictions, loss, all gradients, and the losses before each of 20 steps on the same batch and ranks."""
    model = build(c)
    images = deterministic.images(c["batch"], *c["image"])
    ranks = make_ranks(model, c, images)
    if "codes" in c["target"]:
        target = given_codes(model, c, c["target"]["codes"])
    elif "features" in c["target"]:
        target = given_features(model, c)
    else:
        target = models.pixel_target(images, c["patch"], **c["target"])
    if "features" in c["target"] and not hasattr(model, "compare"):
        target = target[:, 1:]
    content = given_codes(model, c, c["input_codes"]) if "input_codes" in c else images
    if "given" in c:
        model.conditions_given = list(given_conditions(model, c))
    tensors = {"ranks": ranks}
    if c["order"] == "teacher":
        tensors["noise"] = deterministic.uniform("noise", c["batch"], model.patches)

    def loss_of():
        """-> loss, predictions with zeros where none is asked for."""
        if hasattr(model, "compare"):
            return model.compare(images, ranks, target, c["loss"])
        predictions, carries_loss = model(content, ranks)
        return models.reconstruction_loss(predictions, target, carries_loss, c["loss"]), predictions.detach() * carries_loss[..., None]

    groups = [
        {"params": [p for name, p in model.named_parameters() if p.ndim >= 2 and name != "pos_embed"], "weight_decay": OPTIMISER["weight_decay"]},
        {"params": [p for name, p in model.named_parameters() if p.ndim < 2 or name == "pos_embed"], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=OPTIMISER["lr"], betas=OPTIMISER["betas"], eps=OPTIMISER["eps"])
    losses = []
    for step in range(STEPS):
        model.zero_grad(set_to_none=False)
        loss, predictions = loss_of()
        loss.backward()
        for parameter in model.parameters():  # what nobody reads has gradient zero and decays like the rest
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        losses.append(loss.item())
        if step == 0:
            tensors["predictions"] = predictions
            tensors |= {f"gradient.{name}": p.grad.clone() for name, p in model.parameter_list()}
        adamw.step()
    tensors |= {"loss": torch.tensor(losses[:1]), "losses": torch.tensor(losses)}
    parameters = [[name, list(p.shape)] for name, p in model.parameter_list()]
    return tensors, c | {"steps": STEPS, "optimiser": OPTIMISER, "parameters": parameters}


# --- orders ----------------------------------------------------------------------------------------------------------

WIDE = {"image": [20, 28], "patch": 4, "dim": 24, "heads": 3, "depth": 4, "batch": 3, "class_token": True, "method": "encoder"}
SQUARE = WIDE | {"image": [56, 56]}  # 14 x 14 patches: the only grid for which the released tables of boxes are defined
ORDERS = {
    "order_raster": WIDE | {"order": "raster"},
    "order_serpentine": WIDE | {"order": "serpentine"},
    "order_stochastic": WIDE | {"order": "stochastic"},
    "order_semantic": WIDE | SEMANTIC,
    "order_semantic_zero_padding": WIDE | SEMANTIC | {"mean_filter": "zero_padding"},
    "order_semantic_gap": WIDE | SEMANTIC | {"similarity": "gap"},
    "order_semantic_self": WIDE | SEMANTIC | {"similarity": "self"},
    "order_semantic_14x14": SQUARE | SEMANTIC,
    "order_semantic_centers2": WIDE | SEMANTIC | {"centers": 2},
    "order_semantic_centers3": WIDE | SEMANTIC | {"centers": 3},
    "order_semantic_centers4": WIDE | SEMANTIC | {"centers": 4},
    "order_attention_center": WIDE | SEMANTIC | {"mean_filter": "none", "noise_scale": 0.001},
    "order_similarity": WIDE | {"order": "similarity", "similarity": "cls"},
    "order_similarity_gap": WIDE | {"order": "similarity", "similarity": "gap"},
    "order_similarity_self": WIDE | {"order": "similarity", "similarity": "self"},
    "order_center2out": SQUARE | {"order": "center2out"},
    "order_out2center": SQUARE | {"order": "out2center"},
    "order_stochastic_center": SQUARE | {"order": "stochastic_center"},
    "order_attention_guided": SQUARE | {"order": "attention_guided", "similarity": "cls"},
    "order_attention_guided_gap": SQUARE | {"order": "attention_guided", "similarity": "gap"},
    "order_attention_guided_self": SQUARE | {"order": "attention_guided", "similarity": "self"},
}


def order_case(c):
    model = build(c)
    images = deterministic.images(c["batch"], *c["image"])
    noise = deterministic.uniform("noise", c["batch"], model.patches)
    tensors, uses_noise = {}, True
    if c["order"] == "semantic":
        tensors = semantic(model, c, images, noise)
    elif c["order"] == "similarity":
        s, uses_noise = orders.similarity(model, images, c["similarity"]), False
        tensors = {"similarity": s, "keys": 1 - s}
    elif c["order"] == "stochastic":
        tensors = {"keys": noise}
    elif c["order"] == "center2out":
        tensors = {"keys": orders.center_out(noise)}
    elif c["order"] == "out2center":
        tensors = {"keys": orders.out_center(noise)}
    elif c["order"] == "stochastic_center":
        uniforms = deterministic.uniform("noise.centre", c["batch"], 2)
        centre = orders.random_centre(uniforms)
        tensors = {"noise.centre": uniforms, "centre": centre, "keys": orders.around_centre(noise, centre)}
    elif c["order"] == "attention_guided":
        s = orders.similarity(model, images, c["similarity"])
        centre = orders.most_similar(s, model.grid)
        tensors = {"similarity": s, "centre": centre, "keys": orders.around_centre(noise, centre)}
    else:
        keys, uses_noise = (orders.raster if c["order"] == "raster" else orders.serpentine)(model.grid), False
        tensors = {"keys": keys.expand(c["batch"], -1)}
    if uses_noise:
        tensors["noise"] = noise
    tensors["ranks"] = orders.ranks_from_keys(tensors["keys"])
    gaps = tensors["keys"].sort(-1).values.diff(dim=-1)
    note = {"smallest_key_gap": float(gaps.min())}
    if "centre" in tensors and "similarity" in tensors:
        top = tensors.get("filtered", tensors["similarity"]).topk(2).values
        note["smallest_lead_of_the_centre"] = float((top[:, 0] - top[:, 1]).min())
        if note["smallest_lead_of_the_centre"] < 1e-12:
            raise ValueError(f"{c['order']}: the two most similar patches differ by rounding only; choose other weights")
    if "centers" in c:
        note["smallest_similarity_gap"] = float(tensors["filtered"].sort(-1).values.diff(dim=-1).min())
        if note["smallest_similarity_gap"] < 1e-12:
            raise ValueError(f"{c['order']}: two similarities differ by rounding only; choose other weights")
    if note["smallest_key_gap"] < 1e-12:
        raise ValueError(f"{c['order']}: two keys differ by rounding only; choose other noise")
    return tensors, c | note


CLUSTERS = [(14, 14, 1, 1), (14, 14, 1, 2), (14, 14, 2, 2), (14, 14, 2, 7), (14, 14, 7, 7), (14, 14, 14, 14), (4, 6, 2, 3)]
SEGMENTS = [(14, 14, 2, 2), (14, 14, 7, 1), (8, 12, 4, 2)]


def sampled(name, *shape):
    """Random permutations along the last dimension."""
    return deterministic.uniform(name, *shape).argsort(-1)


def clusters_case():
    tensors = {}
    for rows, columns, down, across in CLUSTERS:
        name = f"{rows}x{columns}.{down}x{across}"
        order = sampled(name, down * across)
        tensors |= {f"{name}.sampled": order, f"{name}.ranks": orders.cluster_ranks((rows, columns), (down, across), order)}
    return tensors, {"names": "rows x columns of the grid . clusters down x across"}


def segments_case():
    tensors = {}
    for rows, columns, outer, inner in SEGMENTS:
        name = f"{rows}x{columns}.{outer}.{inner}"
        squares, inside = rows * columns // outer**2, (outer // inner) ** 2
        order, order_inside = sampled(name, squares), sampled(name + ".inside", squares, inside)
        tensors |= {f"{name}.sampled": order, f"{name}.sampled_inside": order_inside,
                    f"{name}.ranks": orders.segment_ranks((rows, columns), outer, inner, order, order_inside)}
    return tensors, {"names": "rows x columns of the grid . outer side . inner side"}


def groups_case():
    """196 patches. Draws of Mixed: the normal first, then uniforms from the first on; two of the normals leave [K, T - 1]."""
    normals = torch.tensor([0.0, -6.0, 6.0, 0.37, -1.23])
    uniforms = deterministic.uniform("noise.groups", len(normals), 195)
    tensors = {"normals": normals, "uniforms": uniforms}
    for k in (1, 5, 20, 40, 196):
        tensors[f"fixed.{k}"] = torch.tensor([orders.fixed_boundaries(196, k)])
    for k in (1, 5, 20, 195):
        tensors[f"random.{k}"] = torch.tensor([orders.random_boundaries(196, k, u) for u in uniforms])
        tensors[f"mixed.{k}"] = torch.tensor([orders.mixed_boundaries(196, k, float(z), u) for z, u in zip(normals, uniforms)])
    return tensors, {"patches": 196, "names": "setting . K"}


# --- pieces ----------------------------------------------------------------------------------------------------------


def hash_case():
    """Values that another implementation of deterministic.py must repeat bit for bit."""
    names = {"images": (3, 3, 12, 16), "noise": (3, 12), "cls_token": (1, 1, 12), "patch_embed.proj.weight": (12, 3, 4, 4),
             "blocks.0.attn.qkv.weight": (36, 12), "blocks.0.attn.qkv.bias": (36,), "blocks.0.norm1.weight": (12,),
             "blocks.0.norm1.bias": (12,)}
    tensors = {f"uniform.{name}": deterministic.uniform(name, *shape).flatten()[:8] for name, shape in names.items()}
    for name, shape in list(names.items())[2:]:
        tensors[f"weight.{name}"] = deterministic.weight(name, shape).flatten()[:8]
    tensors["images"] = deterministic.images(3, 12, 16).flatten()[:8]
    return tensors, {"shapes": {name: list(shape) for name, shape in names.items()}}


def positions_case():
    return ({"5x7x24": models.sin_cos_positions(5, 7, 24), "3x4x12": models.sin_cos_positions(3, 4, 12),
             "3x4x16": models.sin_cos_positions(3, 4, 16)}, {"names": "rows x columns x dim"})


def features_case():
    """All tokens after the final norm, without a mask, for pictures of another size than the encoder's 12 x 16."""
    m = deterministic.fill(models.ViT([8, 24], 4, 24, 4, 3, kind="rotary"))
    return {"rotary.8x24": m.features(deterministic.images(2, 8, 24))}, {"names": "positions . height x width"}


GAUSSIANS = {"gaussian3": (3, 1.0), "gaussian9": (9, 1.0), "gaussian9_sigma1.5": (9, 1.5)}


def blur_case():
    images = deterministic.images(1, 12, 16)
    return {"image": images} | {name: models.gaussian_blur(images, *g) for name, g in GAUSSIANS.items()}, {
        "gaussians": {name: list(g) for name, g in GAUSSIANS.items()}}


def targets_case():
    images = deterministic.images(2, 12, 16)
    tensors = {}
    for name, gaussian in {"pixel": None, **GAUSSIANS}.items():
        tensors[name] = models.pixel_target(images, 4, gaussian, norm_pix=False)
        tensors[f"{name}.norm_pix"] = models.pixel_target(images, 4, gaussian, norm_pix=True)
    return tensors, {"image": [12, 16], "patch": 4, "batch": 2}


def image_quality_case():
    """Pictures in [0, 1] whose values are exact in float32, against scikit-image: the map where the window lies inside, mean over channels."""
    import skimage.metrics

    original = deterministic.uniform("original", 3, 24, 30).float().double()
    original[1, :12] = 0.25  # without variance
    tensors = {"original": original}
    for name, noise in {"near": 0.1, "far": 1.5}.items():
        changed = (original + noise * (deterministic.uniform(name, 3, 24, 30) - 0.5)).clamp(0, 1).float().double()
        a, b = original.numpy(), changed.numpy()
        mean, map_of = skimage.metrics.structural_similarity(a, b, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1, channel_axis=0, full=True)
        tensors |= {name: changed, f"{name}.ssim": np.array([mean]), f"{name}.map": map_of[:, 5:-5, 5:-5].mean(0),
                    f"{name}.psnr": np.array([skimage.metrics.peak_signal_noise_ratio(a, b, data_range=1)])}
    return tensors, {"image": [24, 30]}


def all_cases():
    for name, c in TRAINED.items():
        yield name, lambda c=c: trained_case(c)
    for name, c in ORDERS.items():
        yield name, lambda c=c: order_case(c)
    yield from {"order_clusters": clusters_case, "order_segments": segments_case, "order_groups": groups_case}.items()
    yield from {"hash": hash_case, "positions": positions_case, "features": features_case, "blur": blur_case, "targets": targets_case, "image_quality": image_quality_case}.items()
    yield from masks.CASES.items()


def as_arrays(tensors):
    """float64 and int64 as they are, masks as uint8."""
    arrays = {}
    for name, tensor in tensors.items():
        array = np.ascontiguousarray(tensor.detach().numpy() if torch.is_tensor(tensor) else tensor)
        arrays[name] = array.astype(np.uint8) if array.dtype == bool else array
    return arrays


def differences(path, arrays):
    """Names whose stored value differs by more than rounding."""
    stored = safetensors.numpy.load_file(path)
    if stored.keys() != arrays.keys():
        yield f"tensors differ: {sorted(stored.keys() ^ arrays.keys())}"
    for name in stored.keys() & arrays.keys():
        a, b = stored[name], arrays[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            yield f"{name}: {a.dtype} {a.shape} is stored, {b.dtype} {b.shape} was computed"
        elif a.dtype == np.float64:
            if not np.abs(a - b).max() <= 1e-11:
                yield f"{name}: differs by {np.abs(a - b).max():.3g}"
        elif (a != b).any():
            yield f"{name}: differs in {(a != b).sum()} entries"


def main():
    parser = argparse.ArgumentParser(description="Write or compare the fixtures of the C++ tests.")
    parser.add_argument("--compare", action="store_true", help="compare with the stored fixtures instead of writing")
    parser.add_argument("cases", nargs="*", metavar="CASE", help="names of cases; all when none is given")
    arguments = parser.parse_args()
    cases = dict(all_cases())
    if unknown := set(arguments.cases) - cases.keys():
        parser.error(f"no case is called {', '.join(sorted(unknown))}; known: {', '.join(cases)}")
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    failures = 0
    for name in arguments.cases or cases:
        tensors, configuration = cases[name]()
        arrays = as_arrays(tensors)
        path = FOLDER / f"{name}.safetensors"
        if arguments.compare:
            found = list(differences(path, arrays)) if path.exists() else ["the fixture is missing"]
            failures += len(found)
            for line in found:
                print(f"{name}: {line}")
        else:
            safetensors.numpy.save_file(arrays, path, metadata={"configuration": json.dumps(configuration, sort_keys=True)})
            print(f"{path.stat().st_size:8d}  {name}")
    if arguments.compare:
        print(f"{len(arguments.cases or cases)} cases, {failures} differences")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
