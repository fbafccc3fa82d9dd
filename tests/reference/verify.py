# SPDX-License-Identifier: BSL-1.0
"""Checks of the reference itself: parameter counts, what predictions depend on, and other people's implementations.

    python verify.py
"""

import torch
import transformers
from timm.models.vision_transformer import VisionTransformer
from transformers.models.vit_mae.modeling_vit_mae import build_2d_sinusoidal_position_embedding

import deterministic
import dense_oracle
import make_fixtures
import model as models
import orders

BASE = {"image": (224, 224), "patch": 16, "dim": 768, "depth": 12, "heads": 12}
LARGE = {"image": (224, 224), "patch": 16, "dim": 1024, "depth": 24, "heads": 16}
HUGE = {"image": (224, 224), "patch": 14, "dim": 1280, "depth": 32, "heads": 16}
PARAMETER_COUNTS = {
    "ViT-B/16": (lambda: models.ViT(**BASE), 85_647_360),
    "ViT-L/16": (lambda: models.ViT(**LARGE), 303_099_904),
    "ViT-H/14": (lambda: models.ViT(**HUGE), 630_435_840),
    "SAIM-B/16": (lambda: models.ParallelPretrainer(**BASE, decoder_depth=12), 175_424_256),
    "MAE-B/16": (lambda: models.MaskedAutoencoder(**BASE), 111_655_680),
    "GVP-B/16": (lambda: models.TwoStreamPretrainer(**BASE), 85_647_360 + 768 + 768 * 769),
    "SimMIM-B/16": (lambda: models.InPlacePretrainer(**BASE), 85_647_360 + 768 + 768 * 769),
}


def parameter_counts():
    for name, (make, expected) in PARAMETER_COUNTS.items():
        with torch.device("meta"):
            count = sum(p.numel() for p in make().parameters())
        assert count == expected, f"{name}: {count} parameters, {expected} expected"


def encoder_equals_timm():
    c = make_fixtures.WIDE
    ours = make_fixtures.build(c)
    timm = VisionTransformer(img_size=c["image"], patch_size=c["patch"], embed_dim=c["dim"], depth=c["depth"],
                             num_heads=c["heads"], num_classes=0)
    position = torch.cat([torch.zeros(1, c["dim"]), ours.positions])[None]
    timm.load_state_dict(dict(ours.named_parameters()) | {"pos_embed": position}, strict=True)
    images = deterministic.images(c["batch"], *c["image"])
    difference = (timm.eval().forward_features(images) - ours.features(images)).abs().max()
    assert difference < 1e-12, f"encoder and timm differ by {difference}"


def published_numbers():
    """Pairs that SAIM and D-iGPT read at 14 x 14, the blur's one-dimensional weights, the distances on the grid."""
    ranks = torch.arange(1, 197)[None]
    with_class = orders.with_conditions(ranks, 1)
    assert orders.query_mask(ranks, with_class).sum() == 19_306
    assert orders.content_mask(with_class[:, :-1]).sum() == 19_306, "the last patch's content is read by nobody"
    assert orders.cluster_mask(3, 49).sum() == 14_603
    impulse = torch.zeros(1, 1, 1, 21)
    impulse[..., 10] = 1
    for side, sigma, expected in ((9, 1.0, (0.398943, 0.241971, 0.053991, 0.004432, 0.000134)), (3, 1.0, (0.451863, 0.274069)),
                                  (9, 1.5, (0.266560, 0.213445, 0.109586, 0.036075, 0.007614))):
        blurred = models.gaussian_blur(impulse, side, sigma)[0, 0, 0, 10 : 11 + side // 2]
        weights = blurred / blurred[0] * expected[0]
        assert (weights - torch.tensor(expected)).abs().max() < 2e-6, f"Gaussian {side}, {sigma}: {weights}"
        assert (models.gaussian_blur(torch.ones(1, 3, 21, 21), side, sigma)[..., 10, 10] - 1).abs().max() < 1e-12
    every_centre = torch.cartesian_prod(torch.arange(14), torch.arange(14))
    distances = orders.distance_keys(every_centre, (14, 14), torch.zeros(196, 196), 0).flatten().unique()
    assert len(distances) == 94 and abs(distances.diff().min() - 0.0359) < 5e-5 and abs(distances[-1] - 18.385) < 5e-4


def positions_equal_transformers():
    """Its function puts the row first and rotates afterwards, to match the released MAE."""
    for rows, columns, dim in ((5, 7, 24), (14, 14, 768)):
        theirs = build_2d_sinusoidal_position_embedding(rows, columns, dim, dtype=torch.float64)
        difference = (theirs.roll(dim // 2, dims=-1) - models.sin_cos_positions(rows, columns, dim)).abs().max()
        assert difference < 1e-12, f"positions differ by {difference}"


TRANSFORMERS_NAMES = {  # parts of ViTMAEForPreTraining's parameter names and ours, replaced in this order
    "vit.embeddings.cls_token": "cls_token", "vit.embeddings.patch_embeddings.projection": "patch_embed.proj",
    "vit.layers.": "blocks.", "vit.layernorm.": "norm.", "decoder.decoder_layers.": "decoder_blocks.", "decoder.": "",
    "layernorm_before": "norm1", "layernorm_after": "norm2", "attention.q_proj": "attn.qkv.0", "attention.k_proj": "attn.qkv.1",
    "attention.v_proj": "attn.qkv.2", "attention.o_proj": "attn.proj",
}


def ours_for(name, ours):
    """The part of a {name: tensor} of ours that a parameter of transformers corresponds to."""
    for theirs, replacement in TRANSFORMERS_NAMES.items():
        name = name.replace(theirs, replacement)
    for part in range(3):
        if f".qkv.{part}." in name:
            return ours[name.replace(f".qkv.{part}.", ".qkv.")].chunk(3)[part]
    return ours[name]


def mae_equals_transformers():
    """Predictions, loss and every gradient of ViTMAEForPreTraining (square images: it knows no others)."""
    c = make_fixtures.MAE | {"image": [16, 16], "keep": 4}
    ours = make_fixtures.build(c)
    config = transformers.ViTMAEConfig(
        hidden_size=c["dim"], num_hidden_layers=c["depth"], num_attention_heads=c["heads"], intermediate_size=4 * c["dim"],
        image_size=16, patch_size=4, decoder_hidden_size=16, decoder_num_hidden_layers=2, decoder_num_attention_heads=4,
        decoder_intermediate_size=64, mask_ratio=0.75, norm_pix_loss=True, layer_norm_eps=models.NORM_EPS)
    theirs = transformers.ViTMAEForPreTraining(config)
    positions = {"vit.embeddings.position_embeddings": ours.positions, "decoder.decoder_pos_embed": ours.decoder_positions}
    weights = dict(ours.named_parameters())
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if name in positions:
                parameter.copy_(torch.cat([torch.zeros(1, parameter.shape[-1]), positions[name]])[None])
            else:
                parameter.copy_(ours_for(name, weights))
    images = deterministic.images(c["batch"], *c["image"])
    noise = deterministic.uniform("noise", c["batch"], ours.patches)
    predictions, masked = ours(images, orders.random_mask(noise, c["keep"]))
    loss = models.reconstruction_loss(predictions, models.pixel_target(images, c["patch"], **c["target"]), masked)
    loss.backward()
    output = theirs(pixel_values=images, noise=noise)
    output.loss.backward()
    assert (output.mask.bool() == masked).all(), "MAE: other patches are masked"
    assert (output.logits - predictions).abs().max() < 1e-12, "MAE: predictions differ"
    assert (output.loss - loss).abs() < 1e-12, f"MAE: losses {output.loss} and {loss}"
    gradients = {name: p.grad for name, p in ours.named_parameters()}
    for name, parameter in theirs.named_parameters():
        if name not in positions:
            difference = (parameter.grad - ours_for(name, gradients)).abs().max()
            assert difference < 1e-12, f"MAE: gradients of {name} differ by {difference}"


def in_place_equals_transformers():
    """Predictions, loss and every gradient of ViTForMaskedImageModeling, which is SimMIM. Its head is a convolution whose channels
    (channel, row, column) are spread over the patch; it divides the loss by the number of masked patches + 1e-5."""
    c = make_fixtures.IN_PLACE | {"image": [16, 16]}
    ours = make_fixtures.build(c)
    config = transformers.ViTConfig(
        hidden_size=c["dim"], num_hidden_layers=c["depth"], num_attention_heads=c["heads"], intermediate_size=4 * c["dim"],
        image_size=16, patch_size=4, encoder_stride=4, layer_norm_eps=models.NORM_EPS)
    theirs = transformers.ViTForMaskedImageModeling(config)
    weights = dict(ours.named_parameters())
    spread = torch.arange(48).reshape(4, 4, 3).permute(2, 0, 1).flatten()  # our (row, column, channel) in their order

    def matching(name, of):
        if name == "vit.embeddings.mask_token":
            return of["mask_token"]
        if name.startswith("decoder.0."):
            return of["decoder_pred." + name[10:]][spread]
        return ours_for(name, of)

    position = "vit.embeddings.position_embeddings"
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            if name == position:
                parameter.copy_(torch.cat([torch.zeros(1, c["dim"]), ours.positions])[None])
            else:
                parameter.copy_(matching(name, weights).reshape(parameter.shape))
    images = deterministic.images(c["batch"], *c["image"])
    ranks = orders.random_mask(deterministic.uniform("noise", c["batch"], ours.patches), c["keep"])
    predictions, masked = ours(images, ranks)
    loss = models.reconstruction_loss(predictions, models.patches_of(images, 4), masked, "l1")
    loss.backward()
    output = theirs(pixel_values=images, bool_masked_pos=masked)
    (output.loss * (1 + 1e-5 / (16 * masked.sum()))).backward()
    assert (models.patches_of(output.reconstruction, 4) - predictions).abs().max() < 1e-12, "in place: predictions differ"
    assert (output.loss * (1 + 1e-5 / (16 * masked.sum())) - loss).abs() < 1e-12, "in place: losses differ"
    gradients = {name: p.grad for name, p in ours.named_parameters()}
    for name, parameter in theirs.named_parameters():
        if name != position:
            difference = (parameter.grad - matching(name, gradients).reshape(parameter.shape)).abs().max()
            assert difference < 1e-12, f"in place: gradients of {name} differ by {difference}"


def two_stream_equals_sequence_form():
    """The loss with ranks and matrices over patches in raster order is that of tokens sorted into GVP's sequence."""
    encoder = {"image": (dense_oracle.HEIGHT, dense_oracle.WIDTH), "patch": dense_oracle.PATCH, "dim": dense_oracle.DIM,
               "heads": dense_oracle.HEADS}
    for token_only in (False, True):
        by_ranks = dense_oracle.released(models.TwoStreamPretrainer(**encoder, depth=3, token_only=token_only), dense_oracle.GROUPS)
        difference = (dense_oracle.gvp(depth=3, token_only=token_only) - by_ranks).abs()
        assert difference < 1e-12, f"two streams: losses differ by {difference}"


def token_alone_predicts_one_value_per_group():
    """GVP's queries as printed: those of one group have the same input and the same keys in every layer."""
    for name, equal in (("gvp_token_only", True), ("gvp", False)):
        c = make_fixtures.TRAINED[name]
        model = make_fixtures.build(c)
        ranks = make_fixtures.make_ranks(model, c, None)
        with torch.no_grad():
            predictions, _ = model(deterministic.images(c["batch"], *c["image"]), ranks)
        for image in range(c["batch"]):
            for rank in range(1, int(ranks[image].max()) + 1):
                group = predictions[image, ranks[image] == rank]
                if len(group) > 1:
                    assert ((group - group[0]).abs().max() < 1e-13) == equal, f"{name}: spread in group {rank}"


def predictions_depend_on_earlier_ranks_only():
    """Changing the pixels of patch j changes the prediction of patch i if and only if rank[j] < rank[i]."""
    for name in ("saim", "saim_shared", "saim_reads_previous", "saim_ties", "saim_ties_no_class_token", "vit_igpt_stochastic",
                 "mae", "gvp", "gvp_stochastic", "gvp_no_class_token", "in_place", "in_place_ragged"):
        c = make_fixtures.TRAINED[name]
        model = make_fixtures.build(c)
        images = deterministic.images(c["batch"], *c["image"])
        ranks = make_fixtures.make_ranks(model, c, images)
        with torch.no_grad():
            before, carries_loss = model(images, ranks)
            for j in range(model.patches):
                y, x = divmod(j, model.grid[1])
                changed = images.clone()
                changed[:, :, y * 4 : y * 4 + 4, x * 4 : x * 4 + 4] += 1
                moved = (model(changed, ranks)[0] - before).abs().amax(-1) > 1e-13
                expected = ranks[:, j, None] < ranks
                assert (moved == expected)[carries_loss].all(), f"{name}: wrong dependence on patch {j}"


def gradients_equal_differences():
    """Directional derivative of the loss, in a direction that touches every parameter."""
    for name, c in make_fixtures.TRAINED.items():
        model = make_fixtures.build(c)
        images = deterministic.images(c["batch"], *c["image"])
        ranks = make_fixtures.make_ranks(model, c, images)
        target = models.pixel_target(images, c["patch"], **c["target"])

        def loss():
            predictions, carries_loss = model(images, ranks)
            return models.reconstruction_loss(predictions, target, carries_loss, c["loss"])

        loss().backward()
        direction = {n: deterministic.uniform("direction." + n, *p.shape) - 0.5 for n, p in model.named_parameters()}
        slope = sum((p.grad * direction[n]).sum() for n, p in model.named_parameters() if p.grad is not None)
        step, values = 1e-5, []
        with torch.no_grad():
            for sign in (1, -2):
                for n, p in model.named_parameters():
                    p += sign * step * direction[n]
                values.append(loss())
        measured = (values[0] - values[1]) / (2 * step)
        assert abs(measured - slope) < 1e-7 * max(1, abs(slope)), f"{name}: slope {slope}, differences {measured}"


def main():
    torch.set_default_dtype(torch.float64)
    for check in (parameter_counts, published_numbers, positions_equal_transformers, encoder_equals_timm,
                  mae_equals_transformers, in_place_equals_transformers, two_stream_equals_sequence_form,
                  token_alone_predicts_one_value_per_group, predictions_depend_on_earlier_ranks_only, gradients_equal_differences):
        check()
        print(f"{check.__name__}: holds")


if __name__ == "__main__":
    main()
