# SPDX-License-Identifier: BSL-1.0
"""Prints the losses that tests/core/tape_oracle.cpp expects of the dense C++ models, from PyTorch.

SAIM, ViT-iGPT, MAE and SimMIM are those of model.py. GVP and D-iGPT are written here in the papers' sequence form: tokens sorted
into the sampled order, the class token first (GVP) or last (D-iGPT), block-causal matrices over slots. The C++ models keep
raster order and integer ranks, so agreement says that both forms mean the same.
"""

import torch
from torch.nn import functional as F

import deterministic
import model as models

HEIGHT, WIDTH, PATCH, DIM, HEADS = 4, 6, 2, 8, 2
OUT = 3 * PATCH * PATCH
PERMUTATIONS = [[3, 1, 6, 2, 5, 4], [1, 2, 3, 4, 5, 6]]
MASKED = [[0, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 1]]
GROUPS = [[0, 2, 1, 1, 3, 0], [2, 1, 2, 3, 1, 4]]
CLUSTERS = [[3, 1, 2, 1, 3, 2], [1, 2, 2, 1, 4, 3]]
IMAGES = deterministic.images(2, HEIGHT, WIDTH)
TARGET = models.pixel_target(IMAGES, PATCH)


def linear(name, x, out):
    return F.linear(x, deterministic.weight(f"{name}.weight", (out, x.shape[-1])), deterministic.weight(f"{name}.bias", (out,)))


def norm(name, x, eps=1e-6):
    dim = x.shape[-1:]
    return F.layer_norm(x, dim, deterministic.weight(f"{name}.weight", dim), deterministic.weight(f"{name}.bias", dim), eps)


def mlp(name, x):
    return linear(f"{name}.fc2", F.gelu(linear(f"{name}.fc1", x, 4 * x.shape[-1])), x.shape[-1])


def attend(name, reader, content, mask, heads):
    dim = reader.shape[-1]
    q = linear(f"{name}.qkv", reader, 3 * dim)[:, :dim]
    k, v = linear(f"{name}.qkv", content, 3 * dim)[:, dim:].chunk(2, -1)
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(0, 1) for x in (q, k, v))
    return linear(f"{name}.proj", F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(0, 1).flatten(1), dim)


def block(name, x, mask):
    normed = norm(f"{name}.norm1", x)
    x = x + attend(f"{name}.attn", normed, normed, mask, HEADS)
    return x + mlp(f"{name}.mlp", norm(f"{name}.norm2", x))


def positions(dim):
    return models.sin_cos_positions(HEIGHT // PATCH, WIDTH // PATCH, dim)


def patches_and_class(image):
    weight = deterministic.weight("patch_embed.proj.weight", (DIM, 3, PATCH, PATCH))
    x = F.conv2d(image[None], weight, deterministic.weight("patch_embed.proj.bias", (DIM,)), stride=PATCH)[0]
    return x.flatten(1).T + positions(DIM), deterministic.weight("cls_token", (1, 1, DIM))[0]


def groups_of(ranks, first):
    return [[t for t, rank in enumerate(ranks) if rank == k] for k in range(first, max(ranks) + 1)]


def gvp(depth, token_only=False):
    """G_0 (condition), G_1, ..., G_K in order; Eq. 7 with the query stream of G_1 .. G_K only. Queries start with their position,
    or as the token alone."""
    errors = []
    for image, target, ranks in zip(IMAGES, TARGET, GROUPS):
        groups = groups_of(ranks, 0)
        order = [t for group in groups for t in group]
        predicted = order[len(groups[0]):]
        slot = torch.tensor([0] + [k for k, group in enumerate(groups) for _ in group])
        patches, class_token = patches_and_class(image)
        h = torch.cat([class_token, patches[order]])
        g = positions(DIM)[predicted] * (not token_only) + deterministic.weight("query_token", (1, 1, DIM))[0]
        content_mask, query_mask = slot <= slot[:, None], slot < slot[1 + len(groups[0]):, None]
        for name in (f"blocks.{i}" for i in range(depth)):
            g = g + attend(f"{name}.attn", norm(f"{name}.norm1", g), norm(f"{name}.norm1", h), query_mask, HEADS)
            g = g + mlp(f"{name}.mlp", norm(f"{name}.norm2", g))
            h = block(name, h, content_mask)
        errors.append(linear("decoder_pred", norm("norm", g), OUT) - target[predicted])
    return torch.cat(errors).square().mean()


def digpt(depth, taps, dim, decoder_depth, heads):
    """Clusters 1 .. n-1 enter the encoder, then the class token, in the slot of the last of them. Each decoder's queries are
    clusters (2 .. n or 1 .. n-1), then the class query, in the slot of the last of them."""
    errors = {"gen": [], "dis": []}
    for image, target, ranks in zip(IMAGES, TARGET, CLUSTERS):
        clusters = groups_of(ranks, 1)
        n = len(clusters)

        def slots(numbers):
            return torch.tensor([k for k in numbers for _ in clusters[k - 1]] + [numbers[-1]])

        encoded = list(range(1, n))
        patches, class_token = patches_and_class(image)
        h = torch.cat([patches[t] for t in clusters[:-1]] + [class_token])
        content, tapped = slots(encoded), []
        for i in range(depth):
            h = block(f"blocks.{i}", h, content <= content[:, None])
            tapped.append(h)
        for branch, numbers in (("gen", list(range(2, n + 1))), ("dis", encoded)):
            fused = torch.cat([norm(f"{branch}_norm", tapped[tap - 1], 1e-5) for tap in taps], -1)
            fused = linear(f"{branch}_bridge", fused, decoder_depth * dim).unflatten(-1, (dim, decoder_depth))
            places, query = [t for k in numbers for t in clusters[k - 1]], slots(numbers)
            q = F.pad(positions(dim)[places], (0, 0, 0, 1)) + deterministic.weight(f"{branch}_token", (1, 1, dim))[0]
            among = query <= query[:, None]
            across = content < query[:, None] if branch == "gen" else content <= query[:, None]
            for i in range(decoder_depth):
                name = f"{branch}_blocks.{i}"
                normed = norm(f"{name}.norm1", q)
                q = q + attend(f"{name}.attn", normed, normed, among, heads)
                q = q + attend(f"{name}.cross", norm(f"{name}.norm2", q), norm(f"{name}.norm_kv", fused[..., i]), across, heads)
                q = q + mlp(f"{name}.mlp", norm(f"{name}.norm3", q))
            predictions = linear(f"{branch}_pred", norm(f"{branch}_head_norm", q), OUT)
            errors[branch].append(predictions - F.pad(target[places], (0, 0, 0, 1)))
    return sum(torch.cat(branch).square().mean() for branch in errors.values())


def released(model, ranks, target=TARGET):
    ranks = torch.tensor(ranks)
    predictions, carries_loss = deterministic.fill(model)(IMAGES, ranks)
    return models.reconstruction_loss(predictions, target, carries_loss)


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    encoder = {"image": (HEIGHT, WIDTH), "patch": PATCH, "dim": DIM, "heads": HEADS}
    blurred = models.pixel_target(IMAGES, PATCH, gaussian=(3, 1.0))
    with torch.no_grad():
        for name, loss in {
            "parallel, outputs": released(models.ParallelPretrainer(**encoder, depth=3, decoder_depth=2), PERMUTATIONS, blurred),
            "parallel, inputs": released(models.ParallelPretrainer(**encoder, depth=3, decoder_depth=2, reads_previous=True),
                                         PERMUTATIONS, blurred),
            "parallel, shared": released(models.ParallelPretrainer(**encoder, depth=2, shared=True), PERMUTATIONS, blurred),
            "causal": released(models.CausalPretrainer(**encoder, depth=2), PERMUTATIONS, blurred),
            "joint": released(models.MaskedAutoencoder(**encoder, depth=2, decoder_dim=4, decoder_depth=2, decoder_heads=2), MASKED),
            "two_stream": gvp(depth=3),
            "two_stream, token only": gvp(depth=3, token_only=True),
            "in_place": released(models.InPlacePretrainer(**encoder, depth=2, head="mlp"), MASKED),
            "twin": digpt(depth=3, taps=(1, 3), dim=4, decoder_depth=2, heads=2),
        }.items():
            print(f"{name}: {loss.item()!r}")
