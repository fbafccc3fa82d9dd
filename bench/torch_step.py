#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The training steps that bench_train_step measures, in PyTorch: the peer. peer.py runs both; by itself it is a server:

each line on standard input is one step; the answer is "seconds peak_bytes loss". Models, masks, losses and optimiser as the papers'
released code has them: dense masks, timm's blocks, SemAIM's order from a forward pass of its own, MAE without its masked patches.

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
    "Pico": (28, 4, 64, 4, 4, 2, (64, 2, 4)),
}


def positions(grid, dim):
    frequency = 10000.0 ** (-torch.arange(dim // 4, dtype=torch.float64) / (dim // 4))
    y, x = torch.meshgrid(torch.arange(grid, dtype=torch.float64), torch.arange(grid, dtype=torch.float64), indexing="ij")
    x, y = x.reshape(-1, 1) * frequency, y.reshape(-1, 1) * frequency
    return torch.cat([x.sin(), x.cos(), y.sin(), y.cos()], dim=1).float()


class Attention(nn.Module):
    def __init__(self, dim, heads, sdpa):
        super().__init__()
        self.heads, self.sdpa = heads, sdpa
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x, content=None, mask=None):
        batch, rows, dim = x.shape
        if content is None:
            q, k, v = self.qkv(x).reshape(batch, rows, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        else:
            q = F.linear(x, self.qkv.weight[:dim], self.qkv.bias[:dim]).reshape(batch, rows, self.heads, -1).transpose(1, 2)
            k, v = F.linear(content, self.qkv.weight[dim:], self.qkv.bias[dim:]).reshape(batch, -1, 2, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
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


class Model(nn.Module):
    """SAIM, SemAIM, ViT_iGPT and MAE at one of the sizes."""

    def __init__(self, kind, size, sdpa):
        super().__init__()
        image, self.patch, dim, depth, heads, decoder_depth, (joint_dim, joint_depth, joint_heads) = SIZES[size]
        self.kind, self.grid, width = kind, image // self.patch, 3 * self.patch**2
        self.embed, self.norm = nn.Conv2d(3, dim, self.patch, self.patch), nn.LayerNorm(dim, 1e-6)
        self.cls = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        self.blocks = nn.ModuleList(Block(dim, heads, sdpa) for _ in range(depth))
        self.register_buffer("position", positions(self.grid, dim))
        self.blurred = kind in ("SAIM", "SemAIM")
        if kind == "MAE":
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
        x = self.embed(images).flatten(2).transpose(1, 2) + self.position
        return torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1)

    def target(self, images):
        if self.blurred:
            images = F.conv2d(images, self.kernel, padding=4, groups=3)
        g, p = self.grid, self.patch
        t = images.reshape(-1, 3, g, p, g, p).permute(0, 2, 4, 3, 5, 1).reshape(len(images), g * g, -1)
        return (t - t.mean(-1, keepdim=True)) / (t.var(-1, keepdim=True) + 1e-6).sqrt()

    @torch.no_grad()
    def keys(self, images):
        count = self.grid**2
        if self.kind == "SAIM":
            return torch.rand(len(images), count)
        if self.kind == "ViT_iGPT":
            return torch.arange(float(count)).expand(len(images), -1)
        x = self.tokens(images)
        for block in self.blocks:
            x = block(x)
        x = self.norm(x).float()
        s = F.cosine_similarity(x[:, :1], x[:, 1:], dim=-1).softmax(-1).reshape(-1, 1, self.grid, self.grid)
        s = F.avg_pool2d(s, 3, 1, 1, count_include_pad=False).flatten(1)
        peak = s.argmax(-1)
        at = torch.arange(count)
        distance = ((at // self.grid - (peak // self.grid)[:, None]) ** 2 + (at % self.grid - (peak % self.grid)[:, None]) ** 2).float().sqrt()
        return distance + 0.1 * torch.rand_like(distance)

    def forward(self, images):
        return self.masked(images) if self.kind == "MAE" else self.autoregressive(images)

    def autoregressive(self, images):
        rank = self.keys(images).argsort(-1).argsort(-1) + 1
        everything = F.pad(rank, (1, 0))
        hidden = lambda visible, like: torch.zeros(visible.shape, dtype=like).masked_fill_(~visible, float("-inf"))[:, None]
        like = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
        content = hidden(everything[:, None, :] <= everything[:, :, None], like)
        h, layers = self.tokens(images), []
        for block in self.blocks:
            h = block(h, mask=content)
            layers.append(h)
        target = self.target(images)
        if self.kind == "ViT_iGPT":
            return F.mse_loss(self.head(self.norm(h[:, :-1])), target)
        query = hidden(everything[:, None, :] < rank[:, :, None], like)
        g = self.position.expand(len(images), -1, -1)
        for block, tap in zip(self.decoder, self.taps):
            g = block(g, content=layers[tap], mask=query)
        return F.mse_loss(self.head(self.norm(g)), target)

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
    model = Model(kind, size, options.form != "eager")
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), fused=options.form != "eager")
    loss_of = torch.compile(model) if options.form == "compile" else model
    images = torch.rand(options.batch, 3, SIZES[size][0], SIZES[size][0]) * 2 - 1
    print(sum(p.numel() for p in model.parameters()), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
            loss = loss_of(images)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        value = loss.item()
        seconds = time.perf_counter() - start
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, value, flush=True)


if __name__ == "__main__":
    main()
