# SPDX-License-Identifier: BSL-1.0
"""Loads a checkpoint that `convert --to timm | hf | mae` wrote and compares features with those of our program.

    python export_check.py timm|hf|mae CHECKPOINT.safetensors IMAGES.npy FEATURES.npy [--heads H] [--pool class|mean]

IMAGES    [B, 3, H, W] float32, already normalised: exactly what the encoder saw. At another size than the checkpoint's (a square
          grid), timm and transformers interpolate the positions in their own ways
FEATURES  [B, tokens, D], after the final norm: all tokens, or the patches only; or [B, D], pooled as --pool says
Ends with status 1 when a name, a shape or a feature differs.
"""

import argparse
import json
import pathlib
import re
import sys
import tempfile

import numpy as np
import safetensors
import safetensors.torch
import timm
import torch
import transformers
from timm.models.vision_transformer import Block, VisionTransformer

import model as models


def expect(condition, sentence):
    if not condition:
        sys.exit(f"export_check: {sentence}")


def count_layers(state, pattern):
    return 1 + max((int(m[1]) for m in (re.match(pattern, name) for name in state) if m), default=-1)


def stored_size(positions, class_token, patch, images):
    """(height, width) that the positions are for, and whether the images have another size; then the grid must be square."""
    tokens, size = positions.shape[1] - int(class_token), tuple(images.shape[-2:])
    if tokens == (size[0] // patch) * (size[1] // patch):
        return size, False
    side = round(tokens ** 0.5)
    expect(side * side == tokens, f"{tokens} positions are no square grid, and images of {list(size)} pixels need another number")
    return (side * patch, side * patch), True


def load_strictly(module, state, what):
    missing, unexpected = module.load_state_dict(state, strict=False)  # shapes that differ raise
    expect(not missing and not unexpected, f"{what}: missing {missing}, unexpected {unexpected}")
    return module.eval()


def timm_tokens(state, images, heads):
    """All tokens after the final norm, by timm's VisionTransformer."""
    dim, _, patch, _ = state["patch_embed.proj.weight"].shape
    size, resized = stored_size(state["pos_embed"], "cls_token" in state, patch, images)
    vit = VisionTransformer(
        img_size=size, dynamic_img_size=resized, patch_size=patch, embed_dim=dim, depth=count_layers(state, r"blocks\.(\d+)\."),
        num_heads=heads or dim // 64, mlp_ratio=state["blocks.0.mlp.fc1.weight"].shape[0] / dim, num_classes=0,
        class_token="cls_token" in state, global_pool="token" if "cls_token" in state else "avg", fc_norm=False)
    return load_strictly(vit, state, f"timm {timm.__version__} VisionTransformer").forward_features(images)


class PublishedDecoder(torch.nn.Module):
    """The decoder's parameters under the names of the published MAE code, made of timm's blocks."""

    def __init__(self, tokens, dim, decoder_dim, depth, heads, out):
        super().__init__()
        self.decoder_embed = torch.nn.Linear(dim, decoder_dim)
        self.mask_token = torch.nn.Parameter(torch.zeros(1, 1, decoder_dim))
        self.decoder_pos_embed = torch.nn.Parameter(torch.zeros(1, tokens, decoder_dim))
        self.decoder_blocks = torch.nn.ModuleList(Block(decoder_dim, heads, qkv_bias=True) for _ in range(depth))
        self.decoder_norm = torch.nn.LayerNorm(decoder_dim, models.NORM_EPS)
        self.decoder_pred = torch.nn.Linear(decoder_dim, out)


def mae_tokens(state, images, heads):
    """Encoder by timm's blocks, which the published code uses; the decoder's names and shapes are checked when it is there."""
    in_decoder = lambda name: name.startswith("decoder_") or name == "mask_token"
    decoder = {name: tensor for name, tensor in state.items() if in_decoder(name)}
    if decoder:
        tokens = state["pos_embed"].shape[1]
        decoder_dim, dim = decoder["decoder_embed.weight"].shape
        module = PublishedDecoder(tokens, dim, decoder_dim, count_layers(decoder, r"decoder_blocks\.(\d+)\."), 1,
                                  decoder["decoder_pred.weight"].shape[0])
        load_strictly(module, decoder, "decoder of the published MAE code")
        patch = state["patch_embed.proj.weight"].shape[-1]
        expected = models.sin_cos_positions(images.shape[-2] // patch, images.shape[-1] // patch, decoder_dim)
        difference = (decoder["decoder_pos_embed"][0, 1:] - expected).abs().max()
        expect(difference < 1e-6, f"decoder_pos_embed differs from the sin-cos table by {difference:.3g}")
    return timm_tokens({name: tensor for name, tensor in state.items() if not in_decoder(name)}, images, heads)


def hf_tokens(checkpoint, state, images, heads):
    """By transformers' ViTModel.from_pretrained, as a user would load it; a config.json beside the checkpoint is used."""
    names = {name.removeprefix("vit."): tensor for name, tensor in state.items()}
    dim, _, patch, _ = names["embeddings.patch_embeddings.projection.weight"].shape
    intermediate = next((t for n, t in names.items() if n.endswith(("0.intermediate.dense.bias", "0.mlp.fc1.bias"))), None)
    expect(intermediate is not None, "the first layer has no MLP bias under a name that transformers knows")
    size, resized = stored_size(names["embeddings.position_embeddings"], True, patch, images)
    config = transformers.ViTConfig(
        hidden_size=dim, num_hidden_layers=count_layers(names, r"(?:encoder\.layer|layers)\.(\d+)\."),
        num_attention_heads=heads or dim // 64, intermediate_size=intermediate.shape[0], hidden_act="gelu",
        layer_norm_eps=models.NORM_EPS, image_size=size, patch_size=patch, qkv_bias=True)
    with tempfile.TemporaryDirectory() as folder:
        folder, own = pathlib.Path(folder), checkpoint.parent / "config.json"
        if own.exists():
            (folder / "config.json").write_text(own.read_text())
        else:
            config.save_pretrained(folder)
        (folder / "model.safetensors").symlink_to(checkpoint.resolve())
        vit, info = transformers.ViTModel.from_pretrained(folder, add_pooling_layer=False, output_loading_info=True)
    wrong = {k: v for k, v in info.items() if k in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs") and v}
    expect(not wrong, f"transformers {transformers.__version__} ViTModel: {wrong}")
    return vit.eval()(pixel_values=images, interpolate_pos_encoding=resized).last_hidden_state


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description="Compare features of an exported checkpoint with our program's.")
    parser.add_argument("to", choices=["timm", "hf", "mae"])
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("features", type=pathlib.Path)
    parser.add_argument("--heads", type=int, help="number of heads, which no tensor's shape tells (default: dim / 64)")
    parser.add_argument("--pool", choices=["class", "mean"], default="class", help="what [B, D] features are (default: class)")
    parser.add_argument("--tolerance", type=float, default=1e-5, help="largest absolute difference (default: 1e-5)")
    arguments = parser.parse_args()

    state = safetensors.torch.load_file(arguments.checkpoint)
    state = {name: tensor.float() for name, tensor in state.items()}
    images = torch.from_numpy(np.load(arguments.images)).float()
    features = torch.from_numpy(np.load(arguments.features)).float()
    expect(images.ndim == 4 and images.shape[1] == 3, f"{arguments.images} is {list(images.shape)}, [B, 3, H, W] expected")
    if arguments.to == "hf":
        tokens = hf_tokens(arguments.checkpoint, state, images, arguments.heads)
    else:
        tokens = (timm_tokens if arguments.to == "timm" else mae_tokens)(state, images, arguments.heads)

    conditions = tokens.shape[1] - (features.shape[1] if features.ndim == 3 else 0)
    if features.ndim == 2:
        has_class = arguments.to == "hf" or "cls_token" in state
        expect(arguments.pool == "mean" or has_class, "the checkpoint has no class token; use --pool mean")
        tokens = tokens[:, 0] if arguments.pool == "class" else tokens[:, int(has_class):].mean(1)
    elif conditions == 1:
        tokens = tokens[:, 1:]
    expect(tokens.shape == features.shape, f"{arguments.features} is {list(features.shape)}, {list(tokens.shape)} expected")
    difference = (tokens - features).abs().max().item()
    version = transformers.__version__ if arguments.to == "hf" else timm.__version__
    print(json.dumps({"to": arguments.to, "library": version, "torch": torch.__version__, "features": list(features.shape),
                      "max_abs_difference": difference, "max_abs_feature": features.abs().max().item(),
                      "tolerance": arguments.tolerance}))
    expect(difference <= arguments.tolerance, f"features differ by {difference:.3g}, at most {arguments.tolerance:g} allowed")


if __name__ == "__main__":
    main()
