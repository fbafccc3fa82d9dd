# SPDX-License-Identifier: BSL-1.0
"""The pre-training models as plain PyTorch with dense boolean masks.

Written from the papers' equations, in the most literal form: every token of every image is computed, visibility is a
matrix `mask[reader, read]` (True = may read), and nothing is sorted, packed or left out. Parameters carry timm's names.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import orders

NORM_EPS = 1e-6


def sin_cos_positions(rows, columns, dim):
    """[rows * columns, dim]: sin and cos of the column, then of the row, at dim/4 frequencies 10000^(-k/(dim/4))."""
    if dim % 4:
        raise ValueError(f"sin_cos_positions: dim is {dim}, it must be a multiple of 4")
    frequency = 10000.0 ** (-np.arange(dim // 4, dtype=np.float64) / (dim // 4))
    y, x = np.divmod(np.arange(rows * columns, dtype=np.float64), columns)
    x, y = np.outer(x, frequency), np.outer(y, frequency)
    return torch.from_numpy(np.concatenate([np.sin(x), np.cos(x), np.sin(y), np.cos(y)], axis=1))


def rotary_angles(rows, columns, head_dim):
    """[rows * columns, head_dim / 2]: the angle of each pair (i, i + head_dim / 2) of a head's channels; the first half of the pairs
    turns with the column, the second with the row, at head_dim/4 frequencies 10000^(-j/(head_dim/4))."""
    frequency = 10000.0 ** (-torch.arange(head_dim // 4, dtype=torch.float64) / (head_dim // 4))
    place = torch.arange(rows * columns, dtype=torch.float64)
    return torch.cat([torch.outer(place % columns, frequency), torch.outer(place.div(columns, rounding_mode="floor"), frequency)], dim=1)


def turned(x, angles):
    """x [B, heads, tokens, head_dim], each pair multiplied as a complex number by e^(i angle); angles [tokens, head_dim / 2] or None."""
    if angles is None:
        return x
    pairs = torch.complex(*x.chunk(2, dim=-1)) * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([pairs.real, pairs.imag], dim=-1)


def patches_of(images, patch):
    """[B, 3, H, W] -> [B, N, patch*patch*3]; inside a patch (row, column, channel), channel fastest."""
    batch, channels, height, width = images.shape
    x = images.reshape(batch, channels, height // patch, patch, width // patch, patch)
    return x.permute(0, 2, 4, 3, 5, 1).reshape(batch, (height // patch) * (width // patch), patch * patch * channels)


def gaussian_blur(images, side, sigma):
    """Every channel with a side x side Gaussian of unit sum; zeros beyond the border."""
    offset = torch.arange(side, dtype=images.dtype) - (side - 1) / 2
    kernel = torch.exp(-(offset[:, None] ** 2 + offset[None, :] ** 2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(images.shape[1], 1, side, side)
    return F.conv2d(images, kernel, padding=side // 2, groups=images.shape[1])


def pixel_target(images, patch, gaussian=None, norm_pix=True):
    """Patches of the (blurred) image; norm_pix standardises each patch with the unbiased variance + 1e-6."""
    if gaussian is not None:
        images = gaussian_blur(images, *gaussian)
    target = patches_of(images, patch)
    if norm_pix:
        mean = target.mean(-1, keepdim=True)
        target = (target - mean) / torch.sqrt(target.var(-1, keepdim=True, unbiased=True) + 1e-6)
    return target


def error(predictions, target, kind):
    """Per entry; for "cosine" per token: 2 - 2 cosine; for "cross_entropy" per token, the target being its class."""
    if kind == "cross_entropy":
        return F.cross_entropy(predictions, target, reduction="none")
    if kind == "cosine":
        return 2 - 2 * F.cosine_similarity(predictions, target, dim=-1, eps=0)
    if kind == "smooth_l1":
        return F.smooth_l1_loss(predictions, target, reduction="none", beta=0.75)
    difference = predictions - target
    return difference.abs() if kind == "l1" else difference**2


def reconstruction_loss(predictions, target, carries_loss, kind="l2"):
    """Mean over all loss-carrying tokens of the batch and all their entries."""
    return error(predictions[carries_loss], target[carries_loss], kind).mean()


class Attention(nn.Module):
    """Multi-head attention; queries and keys may come from different tokens. A row that may read nothing gives zero
    (so that the projection's bias is its whole output)."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, query, content, mask=None, return_weights=False, turns=(None, None)):
        dim = query.shape[-1]
        wq, wk, wv = self.qkv.weight.split(dim)
        bq, bk, bv = self.qkv.bias.split(dim)
        q, k, v = (
            F.linear(x, w, b).unflatten(-1, (self.heads, dim // self.heads)).transpose(1, 2)  # [B, heads, tokens, head_dim]
            for x, w, b in ((query, wq, bq), (content, wk, bk), (content, wv, bv))
        )
        q, k = turned(q, turns[0]), turned(k, turns[1])
        scores = q @ k.transpose(-1, -2) / math.sqrt(dim // self.heads)
        if mask is None:
            weights = scores.softmax(-1)
        else:
            mask = mask[:, None]  # [B, 1, readers, read]
            reads_something = mask.any(-1, keepdim=True)
            weights = scores.masked_fill(~mask & reads_something, -math.inf).softmax(-1) * reads_something
        output = self.proj((weights @ v).transpose(1, 2).flatten(2))
        return (output, weights) if return_weights else output


class MLP(nn.Module):
    def __init__(self, dim, hidden, out):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, out)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Pre-norm block. With `content` the rows of x read the content instead of each other; norm1 serves both."""

    def __init__(self, dim, heads, epsilon=NORM_EPS):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, epsilon)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, epsilon)
        self.mlp = MLP(dim, 4 * dim, dim)

    def forward(self, x, content=None, mask=None, turns=(None, None)):
        read = self.norm1(x) if content is None else self.norm1(content)
        x = x + self.attn(self.norm1(x), read, mask, turns=turns)
        return x + self.mlp(self.norm2(x))


class PatchEmbedding(nn.Module):
    def __init__(self, dim, patch):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, images):
        return self.proj(images).flatten(2).transpose(1, 2)


class ViT(nn.Module):
    """The encoder. `norm` belongs to it, but the pre-training method decides what it is applied to.

    codes: it reads codes [B, N] below that number instead of images.
    given: ("pooled", width) or ("labels", classes), each a token behind the class token; `conditions_given` holds their tensors.
    kind: of the positions, "sincos", "learned", "frozen", "rotary" or "none"."""

    def __init__(self, image, patch, dim, depth, heads, class_token=True, codes=None, given=(), kind="sincos", epsilon=NORM_EPS):
        super().__init__()
        self.grid = (image[0] // patch, image[1] // patch)
        self.patches = self.grid[0] * self.grid[1]
        self.cls_token = nn.Parameter(torch.empty(1, 1, dim)) if class_token else None
        self.condition = nn.ModuleList(nn.Linear(size, dim) if kind == "pooled" else nn.Embedding(size + 1, dim) for kind, size in given)
        self.conditions_given = []
        if codes:
            self.token_embed = nn.Embedding(codes, dim)
        else:
            self.patch_embed = PatchEmbedding(dim, patch)
        self.blocks = nn.ModuleList(Block(dim, heads, epsilon) for _ in range(depth))
        self.norm = nn.LayerNorm(dim, epsilon)
        self.angles = rotary_angles(*self.grid, dim // heads) if kind == "rotary" else None
        if kind in ("learned", "frozen"):
            self.pos_embed = nn.Parameter(torch.empty(1, self.patches, dim), requires_grad=kind == "learned")
        else:
            fixed = sin_cos_positions(*self.grid, dim) if kind == "sincos" else torch.zeros(self.patches, dim, dtype=torch.float64)
            self.register_buffer("fixed_positions", fixed, persistent=False)

    @property
    def positions(self):
        """[N, D], what is added to patches and to queries."""
        return self.pos_embed[0] if hasattr(self, "pos_embed") else self.fixed_positions

    def turns(self, content_reads=True):
        """The angles of those who read (the content, or the patches' queries) and of the content, whose conditions do not turn."""
        if self.angles is None:
            return (None, None)
        content = F.pad(self.angles, (0, 0, self.conditions, 0))
        return (content if content_reads else self.angles, content)

    @property
    def conditions(self):
        """Number of tokens before the patches: the class token, if any, and the conditions."""
        return (self.cls_token is not None) + len(self.condition)

    def patch_tokens(self, images):
        return self.token_embed(images) if hasattr(self, "token_embed") else self.patch_embed(images)

    def embed(self, images):
        """[B, conditions + N, D]. The position of the class token and of conditions is zero."""
        x = self.patch_tokens(images) + self.positions
        tokens = [layer(values)[:, None] for layer, values in zip(self.condition, self.conditions_given)]
        if self.cls_token is not None:
            tokens.insert(0, self.cls_token.expand(len(x), -1, -1))
        return torch.cat([*tokens, x], dim=1)

    def layers(self, images, mask=None):
        """[h_0 = embedding, h_1, ..., h_depth]."""
        h = [self.embed(images)]
        for block in self.blocks:
            h.append(block(h[-1], mask=mask, turns=self.turns()))
        return h

    def features(self, images):
        """All tokens after the final norm, every token reading every token."""
        return self.norm(self.layers(images)[-1])

    def parameter_list(self):
        """(name, tensor) in the order of the fixtures: encoder, decoder, head; a mask or query token begins the decoder, or
        follows decoder_embed."""
        named = dict(self.named_parameters())
        tokens = {name: named.pop(name) for name in ("mask_token", "query_token") if name in named}
        learned = named.pop("pos_embed", None)
        for name, parameter in named.items():
            if name == "blocks.0.norm1.weight" and learned is not None:
                yield "pos_embed", learned
            yield name, parameter
            if name == ("decoder_embed.bias" if "decoder_embed.bias" in named else "norm.bias"):
                yield from tokens.items()


class ParallelPretrainer(ViT):
    """SAIM and SemAIM: decoder layer m reads the output of encoder layer ceil(m * depth / decoder_depth).

    reads_previous: it reads that encoder layer's input instead (Eq. 5 of SAIM, Eq. 10 of SemAIM).
    shared: decoder layer i is encoder block i, applied to the queries with the block's own output as content.
    """

    def __init__(self, image, patch, dim, depth, heads, class_token=True, decoder_depth=None, head="mlp", reads_previous=False,
                 shared=False, out=None, codes=None, given=(), kind="sincos", epsilon=NORM_EPS):
        super().__init__(image, patch, dim, depth, heads, class_token, codes, given, kind, epsilon)
        self.reads_previous, self.shared = reads_previous, shared
        decoder_depth = depth if shared else decoder_depth
        self.taps = [-(-m * depth // decoder_depth) for m in range(1, decoder_depth + 1)]
        if not shared:
            self.decoder_blocks = nn.ModuleList(Block(dim, heads, epsilon) for _ in range(decoder_depth))
        out = out or 3 * patch * patch
        self.decoder_pred = MLP(dim, 4 * dim, out) if head == "mlp" else nn.Linear(dim, out)

    def forward(self, images, ranks):
        """-> predictions [B, N, out], carries_loss [B, N]; both in raster order. Patches of rank 0 are given, not predicted."""
        all_ranks = orders.with_conditions(ranks, self.conditions)
        h = self.layers(images, orders.content_mask(all_ranks))
        g = self.positions.expand(len(images), -1, -1)
        mask = orders.query_mask(ranks, all_ranks)
        decoder = self.blocks if self.shared else self.decoder_blocks
        for block, tap in zip(decoder, self.taps):
            g = block(g, content=h[tap - 1 if self.reads_previous else tap], mask=mask, turns=self.turns(content_reads=False))
        return self.decoder_pred(self.norm(g)), ranks > 0


class CausalPretrainer(ViT):
    """ViT-iGPT: one causal stream; the output at rank t predicts the patch of rank t + 1, the class token the first one."""

    def __init__(self, image, patch, dim, depth, heads, class_token=True, head="mlp", out=None, codes=None, given=(), kind="sincos", epsilon=NORM_EPS):
        super().__init__(image, patch, dim, depth, heads, class_token, codes, given, kind, epsilon)
        out = out or 3 * patch * patch
        self.decoder_pred = MLP(dim, 4 * dim, out) if head == "mlp" else nn.Linear(dim, out)

    def forward(self, images, ranks):
        """ranks: a permutation of 1..N per image. Row j of the predictions predicts patch j (from its predecessor)."""
        all_ranks = orders.with_conditions(ranks, 1)
        h = self.layers(images, orders.content_mask(all_ranks))[-1]
        outputs = self.decoder_pred(self.norm(h))
        predecessor = (all_ranks[:, None, :] == ranks[:, :, None] - 1).to(outputs.dtype)  # one-hot [B, N, 1 + N]
        return predecessor @ outputs, torch.ones_like(ranks, dtype=torch.bool)


class MaskedAutoencoder(ViT):
    """MAE: ranks 0 (visible) and 1 (masked). The decoder is joint: every token reads every token."""

    def __init__(self, image, patch, dim, depth, heads, class_token=True, decoder_dim=512, decoder_depth=8, decoder_heads=16, out=None, codes=None, given=(), kind="sincos", epsilon=NORM_EPS):
        super().__init__(image, patch, dim, depth, heads, class_token, codes, given, kind, epsilon)
        self.decoder_embed = nn.Linear(dim, decoder_dim)
        self.mask_token = nn.Parameter(torch.empty(1, 1, decoder_dim))
        self.decoder_blocks = nn.ModuleList(Block(decoder_dim, decoder_heads, epsilon) for _ in range(decoder_depth))
        self.decoder_norm = nn.LayerNorm(decoder_dim, epsilon)
        self.decoder_pred = nn.Linear(decoder_dim, out or 3 * patch * patch)
        self.register_buffer("decoder_positions", sin_cos_positions(*self.grid, decoder_dim), persistent=False)

    def forward(self, images, ranks):
        visible = ranks == 0
        readable = torch.cat([visible.new_ones(len(ranks), self.conditions), visible], dim=1)  # the class token and the visible patches
        mask = readable[:, None, :].expand(-1, readable.shape[1], -1)  # rows of masked patches are computed and thrown away
        latent = self.decoder_embed(self.norm(self.layers(images, mask)[-1]))
        x = torch.where(readable[..., None], latent, self.mask_token)
        x = x + F.pad(self.decoder_positions, (0, 0, self.conditions, 0))
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, self.conditions :], ~visible


class TwoStreamPretrainer(ViT):
    """GVP: content stream h and query stream g through the same blocks (Eq. 7); query layer l reads the input of content layer l.

    Queries start as one learned token plus their position, with token_only as the token alone (section 4.1 as printed)."""

    def __init__(self, image, patch, dim, depth, heads, class_token=True, head="linear", token_only=False, out=None, codes=None, given=(), kind="sincos", epsilon=NORM_EPS):
        super().__init__(image, patch, dim, depth, heads, class_token, codes, given, kind, epsilon)
        self.token_only = token_only
        self.query_token = nn.Parameter(torch.empty(1, 1, dim))
        out = out or 3 * patch * patch
        self.decoder_pred = MLP(dim, 4 * dim, out) if head == "mlp" else nn.Linear(dim, out)

    def forward(self, images, ranks):
        """-> predictions [B, N, out], carries_loss [B, N]; ranks of a group are equal, rank 0 is the condition."""
        all_ranks = orders.with_conditions(ranks, self.conditions)
        content_mask, query_mask = orders.content_mask(all_ranks), orders.query_mask(ranks, all_ranks)
        h = self.embed(images)
        g = self.query_token + (torch.zeros_like(self.positions) if self.token_only else self.positions)
        g = g.expand(len(images), -1, -1)
        for block in self.blocks:
            g, h = (block(g, content=h, mask=query_mask, turns=self.turns(content_reads=False)),
                    block(h, mask=content_mask, turns=self.turns()))
        return self.decoder_pred(self.norm(g)), ranks > 0


class InPlacePretrainer(ViT):
    """SimMIM (GVP Table 10: pure masked modeling): patches of rank 1 enter the encoder as a mask token; no attention mask."""

    def __init__(self, image, patch, dim, depth, heads, class_token=True, head="linear", out=None, codes=None, given=(), kind="sincos", epsilon=NORM_EPS):
        super().__init__(image, patch, dim, depth, heads, class_token, codes, given, kind, epsilon)
        self.mask_token = nn.Parameter(torch.empty(1, 1, dim))
        out = out or 3 * patch * patch
        self.decoder_pred = MLP(dim, 4 * dim, out) if head == "mlp" else nn.Linear(dim, out)

    def forward(self, images, ranks):
        masked = ranks > 0
        x = self.embed(images)
        c = self.conditions
        x = torch.cat([x[:, :c], torch.where(masked[..., None], self.mask_token + self.positions, x[:, c:])], dim=1)
        for block in self.blocks:
            x = block(x, turns=self.turns())
        return self.decoder_pred(self.norm(x))[:, self.conditions :], masked
