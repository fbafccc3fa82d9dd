# SPDX-License-Identifier: BSL-1.0
"""D-iGPT's decoders and the distillation arms of its tables, in the same literal form as model.py.

Images are taken one by one, because every image has queries of its own number; a query is a pair (place, rank), place N being the class token.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

import model as models


def resized(tokens, from_grid, to_grid):
    """[rows * columns, width], bilinear, corners not aligned."""
    picture = tokens.T.reshape(1, -1, *from_grid)
    return F.interpolate(picture, size=tuple(to_grid), mode="bilinear", align_corners=False)[0].flatten(1).T


class TwinBlock(nn.Module):
    """Queries read each other, then the content, then the MLP."""

    def __init__(self, dim, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, models.NORM_EPS)
        self.attn = models.Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, models.NORM_EPS)
        self.norm_kv = nn.LayerNorm(dim, models.NORM_EPS)
        self.cross = models.Attention(dim, heads)
        self.norm3 = nn.LayerNorm(dim, models.NORM_EPS)
        self.mlp = models.MLP(dim, 4 * dim, dim)

    def forward(self, q, content, among, across):
        x = self.norm1(q)
        q = q + self.attn(x, x, among)
        q = q + self.cross(self.norm2(q), self.norm_kv(content), across)
        return q + self.mlp(self.norm3(q))


class Branch(nn.Module):
    """Gen or Dis: a fusion of encoder layers, one map of it per decoder layer, blocks, head."""

    def __init__(self, dim, fused, own_norms, decoder_dim, decoder_depth, decoder_heads, out):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim, 1e-5) for _ in range(fused if own_norms else 1))
        self.bridge = nn.ModuleList(nn.Linear(fused * dim, decoder_dim) for _ in range(decoder_depth))
        self.token = nn.Parameter(torch.empty(1, 1, decoder_dim))
        self.blocks = nn.ModuleList(TwinBlock(decoder_dim, decoder_heads) for _ in range(decoder_depth))
        self.head_norm = nn.LayerNorm(decoder_dim, models.NORM_EPS)
        self.pred = nn.Linear(decoder_dim, out)

    def forward(self, layers, positions, among, across):
        norms = self.norms if len(self.norms) == len(layers) else [self.norms[0]] * len(layers)
        fused = torch.cat([norm(h) for norm, h in zip(norms, layers)], dim=-1)
        q = self.token + positions
        for bridge, block in zip(self.bridge, self.blocks):
            q = block(q, bridge(fused), among, across)
        return self.pred(self.head_norm(q))


class TwinPretrainer(models.ViT):
    """`teacher_grid`: of the features given as targets, if it is not the model's; `resize`: "teacher" (its grid to the model's) or the "prediction" of each
    cluster, which covers `cluster` = (rows, columns) patches, to the teacher's cells. `branches`: of "gen", "dis", "distil" (distillation of the encoder's own output). `scope`: Dis predicts the "newest" cluster for each prefix
    (Eq. 9) or "all" visible ones (Eq. 7). `fusion`: "four" layers or the "last". `class_place`: "last", predicted by every branch, or "first", not
    predicted. `whole`: the last cluster is encoded too, and predicted by Dis."""

    def __init__(self, image, patch, dim, depth, heads, class_token=True, branches=("gen", "dis"), decoder_dim=1024, decoder_depth=2, head_width=32,
                 scope="newest", fusion="four", norms="shared", class_place="last", whole=False, out=None, teacher_grid=None, resize="teacher", cluster=None,
                 kind="sincos"):
        super().__init__(image, patch, dim, depth, heads, class_token, kind=kind)
        out = out or 3 * patch * patch
        self.teacher_grid, self.resize, self.cluster = teacher_grid, resize, cluster
        self.branches, self.scope, self.class_last, self.whole = branches, scope, class_token and class_place == "last", whole
        self.taps = [round(depth * share) for share in (1 / 2, 2 / 3, 5 / 6, 1)] if fusion == "four" else [depth]
        for name in branches:
            if name != "distil":
                self.add_module(name, Branch(dim, len(self.taps), norms == "separate", decoder_dim, decoder_depth, decoder_dim // head_width, out))
        if "distil" in branches:
            self.decoder_pred = nn.Linear(dim, out)
        else:
            self.norm = None
        self.register_buffer("decoder_positions", models.sin_cos_positions(*self.grid, decoder_dim), persistent=False)

    def parameter_list(self):
        for name, parameter in super().parameter_list():
            for branch in ("gen", "dis"):
                if name.startswith(branch + "."):
                    name = branch + "_" + name[len(branch) + 1 :]
                    if len(self.get_submodule(branch).norms) == 1:
                        name = name.replace("norms.0.", "norm.")
            yield name, parameter

    def queries(self, branch, ranks, n):
        """[(places, ranks)]: lists of queries that may read each other."""
        first, last = (2, n) if branch == "gen" else (1, n if self.whole else n - 1)
        prefixes = [(c, True) for c in range(first, last + 1)] if branch == "dis" and self.scope == "all" else [(last, False)]
        groups = []
        for top, at_the_top in prefixes:
            places = sorted((i for i, r in enumerate(ranks) if first <= r <= top), key=lambda i: ranks[i])  # cluster by cluster
            own = [top if at_the_top else ranks[i] for i in places]
            if self.class_last and top == last and first <= last:
                places, own = places + [self.patches], own + [last]
            groups.append((places, own))
        return groups

    def in_cells(self, places, outputs, of_patches, of_class):
        """The outputs of each cluster, resized to the cells of the teacher that it covers, and these; the class token as it is."""
        rows, columns = self.cluster
        cells = (rows * self.teacher_grid[0] // self.grid[0], columns * self.teacher_grid[1] // self.grid[1])
        picture = of_patches.reshape(*self.teacher_grid, -1)
        count = len(places) // (rows * columns)
        all_outputs, all_goals = [], []
        for k in range(count):
            some = slice(k * rows * columns, (k + 1) * rows * columns)
            first = places[some][0]
            y, x = first // self.grid[1] * cells[0] // rows, first % self.grid[1] * cells[1] // columns
            all_outputs.append(resized(outputs[some], self.cluster, cells))
            all_goals.append(picture[y : y + cells[0], x : x + cells[1]].flatten(0, 1))
        if places[-1] == self.patches:
            all_outputs.append(outputs[-1:])
            all_goals.append(of_class)
        return torch.cat(all_outputs), torch.cat(all_goals)

    def compare(self, images, ranks, target, kind):
        """-> loss, predictions [branches, B, N + 1, out]: zero where nothing is predicted, summed over the prefixes of one patch.
        target [B, 1 + N, out], the class token's first, or [B, N, out] where that is not predicted."""
        shown = torch.zeros(len(self.branches), len(images), self.patches + 1, target.shape[-1])
        errors = [[] for _ in self.branches]
        positions = torch.cat([self.decoder_positions, torch.zeros(1, self.decoder_positions.shape[-1])])
        for b, image in enumerate(images):
            own = ranks[b].tolist()
            n = max(own)
            of_class_token = [(n if self.whole or self.branches == ("distil",) else n - 1) if self.class_last else 0]
            everything = torch.tensor((of_class_token if self.cls_token is not None else []) + own)
            h = self.layers(image[None], (everything[None, :] <= everything[:, None])[None])
            of_class = target[b, :1]  # read by class queries only
            of_patches = target[b, target.shape[1] - (math.prod(self.teacher_grid) if self.teacher_grid else self.patches) :]
            if self.teacher_grid and self.resize == "teacher":
                of_patches = resized(of_patches, self.teacher_grid, self.grid)
            goal = torch.cat([of_patches, of_class])
            for s, branch in enumerate(self.branches):
                if branch == "distil":
                    seen = n if self.branches == ("distil",) else n - 1
                    places = [i for i, r in enumerate(own) if r <= seen] + [self.patches]
                    tokens = torch.cat([h[-1][0, 1:], h[-1][0, :1]])[places]
                    groups = [(places, self.decoder_pred(self.norm(tokens)))]
                else:
                    groups = []
                    for places, at in self.queries(branch, own, n):
                        if not places:
                            continue
                        at = torch.tensor(at)
                        across = everything[None, :] < at[:, None] if branch == "gen" else everything[None, :] <= at[:, None]
                        among = at[None, :] <= at[:, None]
                        outputs = self.get_submodule(branch)([h[tap] for tap in self.taps], positions[places][None], among[None], across[None])
                        groups.append((places, outputs[0]))
                for places, outputs in groups:
                    shown[s, b].index_add_(0, torch.tensor(places), outputs.detach())
                    if self.teacher_grid and self.resize == "prediction":
                        outputs, goals = self.in_cells(places, outputs, of_patches, of_class)
                    else:
                        goals = goal[places]
                    errors[s].append(models.error(outputs, goals, kind))
        return sum(torch.cat(rows).mean() for rows in errors if rows), shown
