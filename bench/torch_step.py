#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The training steps that bench_train_step measures, in PyTorch: the peer. peer.py runs both; by itself it is a server:

each line on standard input is one step; the answer is "seconds peak_bytes loss". Models, masks, losses and optimiser as the papers'
released code has them: dense masks, timm's blocks, SemAIM's order from a forward pass of its own, MAE without its masked patches, D-iGPT's patches
sorted by cluster, without the last one's. GVP, which has no released code, runs both streams over all patches; keys and values are computed once.
DiGPT learns from given features, DiGPT_taught (and DiGPT_Nano) from a ViT in the step.

forms   eager: attention as products and a softmax, as released     sdpa: scaled_dot_product_attention and the fused optimiser
        compile: sdpa under torch.compile
"""

import argparse
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

SIZES = {  # image, patch, dim, depth, heads, decoder depth (MAE: dim, depth, heads)
    "B16": (224, 16, 768, 12, 12, 12, (512, 8, 16)),
    "L16": (224, 16, 1024, 24, 16, 12, (512, 8, 16)),
    "Nano": (28, 4, 128, 6, 4, 6, (128, 4, 4)),
    "Micro": (32, 4, 128, 6, 4, 6, (128, 4, 4)),
    "Pico": (28, 4, 64, 4, 4, 2, (64, 2, 4)),
    "B16_256": (256, 16, 768, 12, 12, 12, (512, 8, 16)),
    "pixels_Nano": (16, 1, 128, 6, 4, 6, (128, 4, 4)),
    "pixels_S": (32, 1, 512, 24, 8, 24, (512, 8, 16)),
}
CODES = {"GVP_p2d": (1024, 512), "GVP_d2d": (1024, 512), "iGPT": (512, 512)}  # of the tokenizer, and of that of a small model


def positions(grid, dim):
    frequency = 10000.0 ** (-torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))
    y, x = torch.meshgrid(torch.arange(grid, dtype=torch.float64), torch.arange(grid, dtype=torch.float64), indexing="ij")
    x, y = x.reshape(-1, 1) * frequency, y.reshape(-1, 1) * frequency
    return torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1).float()


def hidden(visible):
    """[..., readers, read] as what is added to the scores of all heads."""
    like = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
    return torch.zeros(visible.shape, dtype=like).masked_fill_(~visible, float("-inf")).unsqueeze(-3)


class Attention(nn.Module):
    def __init__(self, dim, heads, sdpa):
        super().__init__()
        self.heads, self.sdpa = heads, sdpa
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def parts(self, x, first, last):
        """Of queries, keys and values those from `first` to before `last`, each [batch, heads, rows, head width]."""
        dim = x.shape[-1]
        y = F.linear(x, self.qkv.weight[first * dim : last * dim], self.qkv.bias[first * dim : last * dim])
        return y.reshape(*x.shape[:2], last - first, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4).unbind(0)

    def forward(self, x, content=None, mask=None):
        if content is None:
            return self.attend(*self.parts(x, 0, 3), mask)
        return self.attend(*self.parts(x, 0, 1), *self.parts(content, 1, 3), mask)

    def attend(self, q, k, v, mask):
        batch, _, rows, _ = q.shape
        dim = self.proj.in_features
        if self.sdpa:
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:
            scores = (q * (dim // self.heads) ** -0.5) @ k.transpose(-2, -1)
            out = (scores if mask is None else scores + mask).softmax(-1) @ v
        return self.proj(out.transpose(1, 2).reshape(batch, rows, dim))


class Block(nn.Module):
    def __init__(self, dim, heads, sdpa):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim, 1e-6), nn.LayerNorm(dim, 1e-6)
        self.attn = Attention(dim, heads, sdpa)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, content=None, mask=None):
        x = x + self.attn(self.norm1(x), None if content is None else self.norm1(content), mask)
        return x + self.mlp(self.norm2(x))

    def two_streams(self, g, h, query, content):
        """GVP: queries g read the keys and values of the content h. Without `content` nobody reads the new content, and there is none."""
        read = self.norm1(h)
        k, v = self.attn.parts(read, 1, 3)
        g = g + self.attn.attend(*self.attn.parts(self.norm1(g), 0, 1), k, v, query)
        g = g + self.mlp(self.norm2(g))
        if content is None:
            return g, None
        h = h + self.attn.attend(*self.attn.parts(read, 0, 1), k, v, content)
        return g, h + self.mlp(self.norm2(h))


class TwinBlock(nn.Module):
    """D-iGPT's decoder: queries read each other, then the content."""

    def __init__(self, dim, heads, sdpa):
        super().__init__()
        self.norm1, self.norm2, self.norm_kv, self.norm3 = (nn.LayerNorm(dim, 1e-6) for _ in range(4))
        self.attn, self.cross = Attention(dim, heads, sdpa), Attention(dim, heads, sdpa)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x, content, among, across):
        x = x + self.attn(self.norm1(x), mask=among)
        x = x + self.cross(self.norm2(x), self.norm_kv(content), across)
        return x + self.mlp(self.norm3(x))


class Branch(nn.Module):
    """Gen or Dis of D-iGPT: queries for some rows of the picture, over a fusion of four encoder layers."""

    def __init__(self, dim, decoder_dim, depth, out, sdpa):
        super().__init__()
        self.norm, self.token = nn.LayerNorm(dim, 1e-5), nn.Parameter(torch.randn(1, 1, decoder_dim) * 0.02)
        self.bridge = nn.ModuleList(nn.Linear(4 * dim, decoder_dim) for _ in range(depth))
        self.blocks = nn.ModuleList(TwinBlock(decoder_dim, decoder_dim // 32, sdpa) for _ in range(depth))
        self.head_norm, self.pred = nn.LayerNorm(decoder_dim, 1e-6), nn.Linear(decoder_dim, out)

    def forward(self, layers, positions, among, across):
        fused = torch.cat([self.norm(h) for h in layers], dim=-1)
        x = self.token + positions
        for bridge, block in zip(self.bridge, self.blocks):
            x = block(x, bridge(fused), among, across)
        return self.pred(self.head_norm(x))


class Model(nn.Module):
    """SAIM, SemAIM, ViT_iGPT, iGPT, MAE, DiGPT, DiGPT_taught, GVP_p2p, GVP_p2d and GVP_d2d at one of the sizes."""

    def __init__(self, kind, size, sdpa):
        super().__init__()
        small = size not in ("B16", "L16", "B16_256")
        image, self.patch, dim, depth, heads, decoder_depth, (joint_dim, joint_depth, joint_heads) = SIZES[size]
        self.kind, self.grid, width = kind, image // self.patch, 3 * self.patch**2
        count = self.grid**2
        self.codes, self.reads_codes = CODES.get(kind, (0, 0))[small], kind in ("GVP_d2d", "iGPT")
        self.embed = nn.Embedding(self.codes, dim) if self.reads_codes else nn.Conv2d(3, dim, self.patch, self.patch)
        self.norm = nn.LayerNorm(dim, 1e-6)
        self.cls = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, heads, sdpa) for _ in range(depth))
        self.register_buffer("position", positions(self.grid, dim))
        self.blurred = kind in ("SAIM", "SemAIM")
        if kind.startswith("DiGPT"):
            self.norm = None  # the decoders have their own
            self.cells, out, decoder_dim = (16, 1024, 1024) if kind == "DiGPT" and not small else (self.grid, dim, dim if small else 1024)
            self.taps = [round(depth * share) for share in (1 / 2, 2 / 3, 5 / 6, 1)]
            self.gen, self.dis = (Branch(dim, decoder_dim, 2, out, sdpa) for _ in range(2))
            self.register_buffer("decoder_position", positions(self.grid, decoder_dim))
            rank = torch.arange(4).repeat_interleave(count // 4)
            seen, last = torch.cat([rank[rank < 3], torch.tensor([2])]), torch.cat([rank[rank > 0], torch.tensor([3])])  # the class token is last
            self.register_buffer("content_rank", seen)
            self.register_buffer("gen_rank", last)
            half = lambda side: torch.arange(side * side).reshape(2, side // 2, 2, side // 2).transpose(1, 2).reshape(4, -1)
            self.register_buffer("patches_of", half(self.grid))
            self.register_buffer("cells_of", half(self.cells))
        elif kind.startswith("GVP"):
            self.query_token, self.groups = nn.Parameter(torch.randn(1, 1, dim) * 0.02), 5 if small else 20
            self.head = nn.Linear(dim, self.codes or width)
        elif kind == "iGPT":
            self.head = nn.Linear(dim, self.codes)
        elif kind == "MAE":
            self.to_decoder, self.mask_token = nn.Linear(dim, joint_dim), nn.Parameter(torch.randn(1, 1, joint_dim) * 0.02)
            self.decoder = nn.ModuleList(Block(joint_dim, joint_heads, sdpa) for _ in range(joint_depth))
            self.decoder_norm, self.head = nn.LayerNorm(joint_dim, 1e-6), nn.Linear(joint_dim, width)
            self.register_buffer("decoder_position", positions(self.grid, joint_dim))
        else:
            self.head = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, width))
            if self.blurred:
                self.taps = [-(-m * depth // decoder_depth) - 1 for m in range(1, decoder_depth + 1)]
                self.decoder = nn.ModuleList(Block(dim, heads, sdpa) for _ in range(decoder_depth))
                offset = torch.arange(9.0) - 4
                kernel = torch.exp(-(offset[:, None] ** 2 + offset**2) / 2)
                self.register_buffer("kernel", (kernel / kernel.sum()).expand(3, 1, 9, 9).contiguous())

    def tokens(self, images):
        x = (self.embed(images) if self.reads_codes else self.embed(images).flatten(2).transpose(1, 2)) + self.position
        return torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1)

    def target(self, images):
        if self.blurred:
            images = F.conv2d(images, self.kernel, padding=4, groups=3)
        g, p = self.grid, self.patch
        t = images.reshape(-1, 3, g, p, g, p).permute(0, 2, 4, 3, 5, 1).reshape(len(images), g * g, -1)
        if self.kind == "GVP_p2p":
            return t
        return (t - t.mean(-1, keepdim=True)) / (t.var(-1, keepdim=True) + 1e-6).sqrt()

    @torch.no_grad()
    def features(self, images):
        x = self.tokens(images)
        for block in self.blocks:
            x = block(x)
        return self.norm(x).float()

    @torch.no_grad()
    def keys(self, images):
        count = self.grid**2
        if self.kind == "SAIM":
            return torch.rand(len(images), count)
        if self.kind.endswith("iGPT"):
            return torch.arange(float(count)).expand(len(images), -1)
        x = self.features(images)
        s = F.cosine_similarity(x[:, :1], x[:, 1:], dim=-1).softmax(-1).reshape(-1, 1, self.grid, self.grid)
        s = F.avg_pool2d(s, 3, 1, 1, count_include_pad=False).flatten(1)
        peak = s.argmax(-1)
        at = torch.arange(count)
        distance = ((at // self.grid - (peak // self.grid)[:, None]) ** 2 + (at % self.grid - (peak % self.grid)[:, None]) ** 2).float().sqrt()
        return distance + 0.1 * torch.rand_like(distance)

    def forward(self, images, given=None):
        """given: a teacher's features, or codes, which some models read instead of the images."""
        images = given if self.reads_codes else images
        if self.kind.startswith("DiGPT"):
            return self.clusters(images, given)
        if self.kind.startswith("GVP"):
            return self.grouped(images, given)
        return self.masked(images) if self.kind == "MAE" else self.autoregressive(images)

    def autoregressive(self, images):
        rank = self.keys(images).argsort(-1).argsort(-1) + 1
        everything = F.pad(rank, (1, 0))
        content = hidden(everything[:, None, :] <= everything[:, :, None])
        h, layers = self.tokens(images), []
        for block in self.blocks:
            h = block(h, mask=content)
            layers.append(h)
        if self.kind == "iGPT":
            return F.cross_entropy(self.head(self.norm(h[:, :-1])).flatten(0, 1), images.flatten())
        target = self.target(images)
        if self.kind == "ViT_iGPT":
            return F.mse_loss(self.head(self.norm(h[:, :-1])), target)
        query = hidden(everything[:, None, :] < rank[:, :, None])
        g = self.position.expand(len(images), -1, -1)
        for block, tap in zip(self.decoder, self.taps):
            g = block(g, content=layers[tap], mask=query)
        return F.mse_loss(self.head(self.norm(g)), target)

    def clusters(self, images, given):
        order = torch.rand(len(images), 4).argsort(-1)
        places, cells = self.patches_of[order].flatten(1), self.cells_of[order].flatten(1)
        of = lambda x, rows: x.gather(1, rows[..., None].expand(-1, -1, x.shape[-1]))
        x, seen = self.tokens(images), places[:, : len(self.content_rank) - 1]
        content = hidden(self.content_rank <= self.content_rank[:, None])
        h, layers = torch.cat([of(x[:, 1:], seen), x[:, :1]], dim=1), []
        for block in self.blocks:
            h = block(h, mask=content)
            layers.append(h)
        layers = [layers[tap - 1] for tap in self.taps]
        position = F.pad(self.decoder_position, (0, 0, 0, 1))  # the class token's are zeros
        total = 0
        for branch, rank, strict in [(self.gen, self.gen_rank, True), (self.dis, self.content_rank, False)]:
            first = 0 if branch is self.dis else len(places[0]) // 4
            rows = places[:, first : first + len(rank) - 1]
            visible = self.content_rank < rank[:, None] if strict else self.content_rank <= rank[:, None]
            y = branch(layers, position[F.pad(rows, (0, 1), value=len(position) - 1)], hidden(rank <= rank[:, None]), hidden(visible))
            goal = of(given[:, 1:], cells[:, first * self.cells**2 // self.grid**2 :][:, : 3 * self.cells**2 // 4])
            of_class, y = y[:, -1:], y[:, :-1]
            if self.cells != self.grid:
                y = y.reshape(-1, self.grid // 2, self.grid // 2, y.shape[-1]).permute(0, 3, 1, 2)
                y = F.interpolate(y, size=self.cells // 2, mode="bilinear", align_corners=False).permute(0, 2, 3, 1).reshape(len(images), -1, y.shape[1])
            total = total + 2 - 2 * F.cosine_similarity(torch.cat([y, of_class], 1), torch.cat([goal, given[:, :1]], 1), dim=-1).mean()
        return total

    def boundaries(self, count):
        """n_0 .. n_K - 1 of one image, mixed length: the last is normal, the others are drawn below it."""
        last = min(max(round((0.5 + 0.1 * torch.randn(()).item()) * count), self.groups), count - 1)
        return torch.cat([torch.randperm(last - 1)[: self.groups - 1] + 1, torch.tensor([last])])

    def grouped(self, images, given):
        place = torch.rand(len(images), self.grid**2).argsort(-1).argsort(-1)
        ends = torch.stack([self.boundaries(self.grid**2) for _ in images])
        rank = (place[:, :, None] >= ends[:, None, :]).sum(-1)
        everything = F.pad(rank, (1, 0))
        content = hidden(everything[:, None, :] <= everything[:, :, None])
        query = hidden(everything[:, None, :] < rank.clamp(min=1)[:, :, None])  # those of the condition carry no loss, but must read something
        h, g = self.tokens(images), (self.query_token + self.position).expand(len(images), -1, -1)
        for block in self.blocks:
            g, h = block.two_streams(g, h, query, None if block is self.blocks[-1] else content)
        y = self.head(self.norm(g))
        if self.codes:
            return F.cross_entropy(y.flatten(0, 1), given.masked_fill(rank == 0, -100).flatten())
        predicted = (rank > 0).to(y.dtype)
        return (((y - self.target(images)) ** 2).mean(-1) * predicted).sum() / predicted.sum()

    def masked(self, images):
        count, keep = self.grid**2, self.grid**2 // 4
        shuffle = torch.rand(len(images), count).argsort(-1)
        restore, kept = shuffle.argsort(-1), shuffle[:, :keep]
        x = self.tokens(images)
        x = torch.cat([x[:, :1], x[:, 1:].gather(1, kept[..., None].expand(-1, -1, x.shape[-1]))], dim=1)
        for block in self.blocks:
            x = block(x)
        x = self.to_decoder(self.norm(x))
        filled = torch.cat([x[:, 1:], self.mask_token.to(x.dtype).expand(len(x), count - keep, -1)], dim=1)
        filled = filled.gather(1, restore[..., None].expand(-1, -1, x.shape[-1])) + self.decoder_position
        x = torch.cat([x[:, :1], filled], dim=1)
        for block in self.decoder:
            x = block(x)
        error = ((self.head(self.decoder_norm(x))[:, 1:] - self.target(images)) ** 2).mean(-1)
        masked = (restore >= keep).to(error.dtype)
        return (error * masked).sum() / masked.sum()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="SAIM_B16")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--form", choices=["eager", "sdpa", "compile"], default="eager")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    kind, _, size = options.model.rpartition("_")
    size = {"DiGPT_Nano": "Micro", "GVP_d2d_B16": "B16_256"}.get(options.model, size)  # halves need 8 x 8 patches
    size = "pixels_" + size if kind == "iGPT" else size
    model = Model(kind, size, options.form != "eager")
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), fused=options.form != "eager")
    loss_of = torch.compile(model) if options.form == "compile" else model
    images = torch.rand(options.batch, 3, SIZES[size][0], SIZES[size][0]) * 2 - 1
    given = teacher = None
    if kind == "DiGPT_taught" or size == "Micro":
        teacher = Model("ViT_iGPT", size, options.form != "eager")
    elif kind == "DiGPT":
        given = torch.rand(options.batch, 1 + model.cells**2, model.gen.pred.out_features) * 2 - 1
    elif kind in CODES:
        given = torch.randint(model.codes, (options.batch, model.grid**2))
    print(sum(p.numel() for p in model.parameters()), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            if teacher:
                given = teacher.features(images)
            loss = loss_of(images, given)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        value = loss.item()
        seconds = time.perf_counter() - start
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, value, flush=True)


if __name__ == "__main__":
    main()
