# SPDX-License-Identifier: BSL-1.0
"""Orders of patches, ranks, and the masks that follow from ranks.

Keys and ranks are [B, N] in raster order. Rank 1 is predicted first; rank 0 is given (class token, visible patches).
Random numbers are always handed in, uniform in [0, 1), so that another implementation can be given the same.
"""

import torch
from torch.nn import functional as F

# --- ranks and masks -------------------------------------------------------------------------------------------------


def ranks_from_keys(keys):
    """Place of every patch in ascending order of its key, from 1; equal keys keep raster order."""
    order = torch.argsort(keys, dim=-1, stable=True)
    places = torch.arange(1, keys.shape[-1] + 1).expand_as(order)
    return torch.empty_like(order).scatter_(-1, order, places)


def with_conditions(ranks, conditions):
    """Puts condition tokens of rank 0 before the patches."""
    return F.pad(ranks, (conditions, 0), value=0)


def content_mask(ranks):
    """[B, tokens, tokens]: content i reads content j iff rank[j] <= rank[i]."""
    return ranks[:, None, :] <= ranks[:, :, None]


def query_mask(query_ranks, content_ranks):
    """[B, queries, tokens]: query i reads content j iff rank[j] < rank[i]."""
    return content_ranks[:, None, :] < query_ranks[:, :, None]


# --- orders that do not look at the image ----------------------------------------------------------------------------


def raster(grid):
    """Keys of reading order."""
    return torch.arange(grid[0] * grid[1], dtype=torch.float64)


def serpentine(grid):
    """Keys of reading order with every second row (1, 3, ...) read from right to left."""
    keys = raster(grid).reshape(grid)
    keys[1::2] = keys[1::2].flip(-1)
    return keys.flatten()


def random_mask(noise, keep):
    """MAE: rank 0 for the `keep` patches of smallest noise, 1 for the others."""
    return (ranks_from_keys(noise) > keep).long()


# SemAIM's released tables for a grid of 14 x 14: half-open bounds of three nested boxes, the same for rows and columns.
CENTRED_BOXES = ((6, 8), (4, 10), (2, 12))
BOXES_AROUND = {
    0: ((0, 2), (0, 6), (0, 10)),
    1: ((0, 2), (0, 6), (0, 10)),
    2: ((0, 2), (0, 6), (0, 10)),
    3: ((2, 4), (0, 6), (0, 10)),
    4: ((3, 5), (1, 7), (0, 10)),
    5: ((4, 6), (2, 8), (0, 10)),
    6: ((5, 7), (3, 9), (1, 11)),
    7: ((6, 8), (4, 10), (2, 12)),
    8: ((7, 9), (5, 11), (3, 13)),
    9: ((8, 10), (6, 12), (3, 13)),
    10: ((9, 11), (7, 13), (3, 13)),
    11: ((11, 13), (7, 13), (3, 13)),
    12: ((11, 13), (7, 13), (3, 13)),
    13: ((11, 13), (7, 13), (3, 13)),
}


def boxes_holding(row_boxes, column_boxes):
    """[196]: how many of the boxes hold each patch."""
    count = torch.zeros(14, 14, dtype=torch.float64)
    for (top, bottom), (left, right) in zip(row_boxes, column_boxes):
        count[top:bottom, left:right] += 1
    return count.flatten()


def center_out(noise):
    """`center2out`: random inside four centred rings of a 14 x 14 grid, the innermost first."""
    return noise - boxes_holding(CENTRED_BOXES, CENTRED_BOXES)


def out_center(noise):
    """`out2center`: the same rings, the outermost first."""
    return noise + boxes_holding(CENTRED_BOXES, CENTRED_BOXES)


def around_centre(noise, centre):
    """`stochastic_center`, `attention_guided`: boxes of the table around centre [B, 2] = (row, column)."""
    return noise - torch.stack([boxes_holding(BOXES_AROUND[int(y)], BOXES_AROUND[int(x)]) for y, x in centre])


def random_centre(uniforms):
    """[B, 2] uniforms -> row and column floor(13 u) of the centre (row and column 13 are never drawn)."""
    return torch.floor(uniforms * 13).long()


# --- orders from the encoder's features ------------------------------------------------------------------------------


@torch.no_grad()
def similarity(model, images, source="cls"):
    """[B, N] from an unmasked pass of a ViT with class token.

    cls: softmax over the patches of cosine(class token, patch) after the final norm.
    gap: the same with the mean of the patch tokens (as they are, not unit vectors) in the class token's place.
    self: mean over heads of the class row of the last block's attention, patch columns, as it is.
    """
    h = model.layers(images)
    if source == "self":
        last = model.blocks[-1]
        x = last.norm1(h[-2])
        _, weights = last.attn(x, x, return_weights=True)
        return weights.mean(1)[:, 0, 1:]
    z = model.norm(h[-1])
    patches = z[:, 1:]
    reference = z[:, :1] if source == "cls" else patches.mean(1, keepdim=True)
    return F.cosine_similarity(reference, patches, dim=-1).softmax(-1)


def mean_filter(s, grid, zero_padding=False):
    """3 x 3 mean; at the border over the neighbours that exist, or (zero_padding) the sum of these divided by 9."""
    padded = F.pad(s.reshape(-1, 1, *grid), (1, 1, 1, 1))
    filtered = F.avg_pool2d(padded, 3, stride=1)
    if not zero_padding:
        filtered = filtered / F.avg_pool2d(F.pad(torch.ones(1, 1, *grid, dtype=s.dtype), (1, 1, 1, 1)), 3, stride=1)
    return filtered.reshape(s.shape)


def most_similar(s, grid):
    """[B, 2] = (row, column) of the largest similarity, the first in raster order among equals."""
    index = torch.stack([torch.nonzero(row == row.max())[0, 0] for row in s])
    return torch.stack([index // grid[1], index % grid[1]], dim=-1)


def distance_keys(centre, grid, noise, noise_scale):
    """Euclidean distance to the centre plus noise_scale * noise."""
    y = torch.arange(grid[0], dtype=torch.float64)[None, :, None] - centre[:, 0, None, None]
    x = torch.arange(grid[1], dtype=torch.float64)[None, None, :] - centre[:, 1, None, None]
    return torch.sqrt(y**2 + x**2).flatten(1) + noise_scale * noise


def peaks(s, grid, count):
    """[B, count, 2]: the `count` largest among the patches that no neighbour exceeds, equal ones in raster order; (-1, -1) where
    there are no more."""
    plane = s.reshape(-1, 1, *grid)
    highest_around = F.max_pool2d(plane, 3, stride=1, padding=1)
    found = torch.full((len(s), count, 2), -1)
    for image, is_peak in enumerate((plane == highest_around).flatten(1)):
        candidates = torch.nonzero(is_peak)[:, 0]
        best = candidates[torch.sort(s[image, candidates], descending=True, stable=True).indices[:count]]
        found[image, : len(best)] = torch.stack([best // grid[1], best % grid[1]], dim=-1)
    return found


def nearest_distance_keys(centres, grid, noise, noise_scale):
    """Distance to the nearest of centres [B, K, 2] plus noise_scale * noise."""
    distances = [distance_keys(centre, grid, torch.zeros(()), 0.0) for centre in centres.unbind(1)]
    distances = [d.masked_fill(centre[:, :1] < 0, float("inf")) for d, centre in zip(distances, centres.unbind(1))]
    return torch.stack(distances).min(0).values + noise_scale * noise


# --- clusters and segments -------------------------------------------------------------------------------------------


def cluster_ranks(grid, clusters, sampled):
    """D-iGPT: rank t for the rectangle sampled[t - 1]; clusters = (down, across), numbered in raster order."""
    height, width = grid[0] // clusters[0], grid[1] // clusters[1]
    ranks = torch.zeros(grid, dtype=torch.int64)
    for t, cluster in enumerate(sampled.tolist(), start=1):
        top, left = cluster // clusters[1] * height, cluster % clusters[1] * width
        ranks[top : top + height, left : left + width] = t
    return ranks.flatten()


def segment_ranks(grid, outer, inner, sampled, sampled_inside):
    """RandSAC with two levels: the squares of side `outer` in the order `sampled`, and the segments of side `inner` of square
    number q in the order sampled_inside[q]. One level: outer == inner."""
    ranks, t = torch.zeros(grid, dtype=torch.int64), 0
    for square in sampled.tolist():
        top, left = square // (grid[1] // outer) * outer, square % (grid[1] // outer) * outer
        for segment in sampled_inside[square].tolist():
            y, x = top + segment // (outer // inner) * inner, left + segment % (outer // inner) * inner
            t += 1
            ranks[y : y + inner, x : x + inner] = t
    return ranks.flatten()


# --- GVP: where the groups end ---------------------------------------------------------------------------------------


def fixed_boundaries(patches, groups):
    """n_0 .. n_K in exact integers."""
    return [(i + 1) * patches // (groups + 1) for i in range(groups + 1)]


def chosen(values, count, uniforms):
    """`count` of `values`, in their order: each in turn is taken with probability still needed / still left."""
    taken = []
    for i, (value, u) in enumerate(zip(values, uniforms)):
        if u * (len(values) - i) < count - len(taken):
            taken.append(value)
    return taken


def random_boundaries(patches, groups, uniforms):
    return chosen(range(1, patches), groups, uniforms) + [patches]


def mixed_boundaries(patches, groups, normal, uniforms):
    last = min(max(round((0.5 + 0.1 * normal) * patches), groups), patches - 1)
    return chosen(range(1, last), groups - 1, uniforms) + [last, patches]


# --- D-iGPT: clusters with the class token last ----------------------------------------------------------------------


def cluster_mask(clusters, patches_per_cluster):
    """[slots + 1, slots + 1] over clusters in sampled order, then the class token: block causal, class row and column
    copied from the last token but one (reflection), so that the class token joins the last cluster."""
    size = clusters * patches_per_cluster
    mask = torch.zeros(size, size, dtype=torch.bool)
    for reader in range(clusters):
        for read in range(reader + 1):
            mask[reader * patches_per_cluster : (reader + 1) * patches_per_cluster,
                 read * patches_per_cluster : (read + 1) * patches_per_cluster] = True
    return F.pad(mask[None].double(), (0, 1, 0, 1), mode="reflect")[0].bool()
