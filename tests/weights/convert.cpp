// SPDX-License-Identifier: BSL-1.0
#include "arvit/weights/convert.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "arvit/io/file.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/models.hpp"
#include "arvit/weights/hugging_face.hpp"
#include "arvit/weights/mae.hpp"
#include "arvit/weights/timm.hpp"
#include "support/temporary_folder.hpp"

namespace arvit::test {
namespace {

using Small = SAIM<ViT<2, 24, 3, Patch<4>, Image<12, 16>>, Parallel<2>>;
using Masked = MAE<ViT<2, 24, 3, Patch<4>, Image<12, 16>>, Joint<2, 16, 2>>;
using Bare = SAIM<ViT<2, 24, 3, Patch<4>, Image<12, 16>, NoClassToken>, Parallel<2>>;

/// A learned table is added, and queries and keys turn.
struct LearnedAndTurning {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : LearnedPositions::template For<Grid, Dim> {
    static constexpr bool turns = true;
  };
};

template <class Model> std::vector<float> numbered() {
  std::vector<float> values(Model::parameter_count);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  return values;
}

TEST_CASE("convert: an encoder comes back from every naming as it went") {
  const TemporaryFolder folder;
  const auto model = numbered<Small>(),
             encoder = encoder_parameters<Small>(std::span<const float>(model));
  for (const KeyLayout& layout : key_layouts()) {
    const auto path = folder.path() / "encoder.safetensors";
    export_model(path, layout, describe_model<Small>(), model);
    CHECK(import_model(path.string(), layout, describe_model<Small>(), false) == encoder);
  }
}

TEST_CASE("convert: learned positions travel, and the class token takes those of its place") {
  using Learned = SAIM<ViT<2, 24, 3, Patch<4>, Image<12, 16>, FrozenPositions>, Parallel<2>>;
  using Turning = SAIM<ViT<2, 24, 2, Patch<4>, Image<12, 16>, RotaryPositions>, Parallel<2>>;
  const TemporaryFolder folder;
  const auto path = folder.path() / "encoder.safetensors";
  const auto model = numbered<Learned>();
  const auto encoder = encoder_parameters<Learned>(std::span<const float>(model));
  for (const KeyLayout& layout : key_layouts()) {
    export_model(path, layout, describe_model<Learned>(), model);
    CHECK(import_model(path.string(), layout, describe_model<Learned>(), false) == encoder);
  }
  export_model(path, timm_keys, describe_model<Learned>(), model);
  const Safetensors file(path);
  const auto table = file.values<float>("pos_embed");
  REQUIRE(table.size() == 13 * 24);
  CHECK(std::all_of(table.begin(), table.begin() + 24, [](float x) { return x == 0; }));
  std::vector<float> theirs = table;
  for (int c = 0; c < 24; ++c) theirs[c] = static_cast<float>(c + 1);
  std::vector<StoredTensor> tensors(file.tensors().begin(), file.tensors().end());
  for (StoredTensor& tensor : tensors)
    if (tensor.name == "pos_embed") tensor = stored_tensor("pos_embed", {1, 13, 24}, theirs.data());
  const auto other = (folder.path() / "other.safetensors").string();
  write_safetensors(other, tensors);
  auto expected = encoder;
  for (int c = 0; c < 24; ++c) expected[c] += static_cast<float>(c + 1);  // cls_token is first
  CHECK(import_model(other, timm_keys, describe_model<Learned>(), false) == expected);
  CHECK_THROWS_WITH_AS(
      export_model(path, timm_keys, describe_model<Turning>(), numbered<Turning>()),
      doctest::Contains("positions that no other program's encoder has"), OptionError);
  // A table that is added does not help where queries and keys turn as well.
  using Both = SAIM<ViT<2, 24, 2, Patch<4>, Image<12, 16>, LearnedAndTurning>, Parallel<2>>;
  CHECK_THROWS_WITH_AS(import_model(other, timm_keys, describe_model<Both>(), false),
                       doctest::Contains("positions that no other program's encoder has"),
                       OptionError);
}

/// Positions of a user's own: a patch's number, in every channel.
struct Numbers {
  using Category = PositionCategory;
  template <class Grid, int Dim> struct For : PositionsWithoutParameters {
    static constexpr bool well_formed = true, adds = true, turns = false;
    template <class T> static std::vector<T> added(const T*) {
      std::vector<T> table(Grid::patches * Dim);
      for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<T>(i / Dim);
      return table;
    }
  };
};
TEST_CASE("convert: fixed positions of a user's own travel, and are not taken for sin-cos") {
  using Numbered = SAIM<ViT<2, 24, 3, Patch<4>, Image<12, 16>, Numbers>, Parallel<2>>;
  const TemporaryFolder folder;
  const auto path = folder.path() / "encoder.safetensors";
  export_model(path, timm_keys, describe_model<Numbered>(), numbered<Numbered>());
  const auto table = Safetensors(path).values<float>("pos_embed");
  REQUIRE(table.size() == 13 * 24);
  for (std::size_t i = 0; i < table.size(); ++i) CHECK(table[i] == (i < 24 ? 0 : i / 24 - 1));
  CHECK_THROWS_WITH_AS(import_model(path.string(), timm_keys, describe_model<Small>(), false),
                       doctest::Contains("differs from the fixed positions"), FileError);
}

TEST_CASE("convert: names, shapes and values are those that timm and transformers read") {
  const TemporaryFolder folder;
  const auto model = numbered<Small>();
  export_model(folder.path() / "timm.safetensors", timm_keys, describe_model<Small>(), model);
  const Safetensors timm(folder.path() / "timm.safetensors");
  CHECK(timm.at("pos_embed").shape == std::vector<std::int64_t>{1, 13, 24});
  CHECK(timm.at("patch_embed.proj.weight").shape == std::vector<std::int64_t>{24, 3, 4, 4});
  const auto positions = timm.values<float>("pos_embed");
  for (int c = 0; c < 24; ++c) CHECK(positions[c] == 0);
  CHECK(positions[24 + 6] == 1);  // cos 0
  export_model(folder.path() / "hf.safetensors", hugging_face_keys, describe_model<Small>(), model);
  const Safetensors hf(folder.path() / "hf.safetensors");
  CHECK(hf.tensors().size() == 4 + 2 * 16 + 2);
  CHECK(hf.metadata().at("format") == "pt");
  const auto qkv = timm.values<float>("blocks.1.attn.qkv.weight"),
             key = hf.values<float>("encoder.layer.1.attention.attention.key.weight");
  REQUIRE(key.size() * 3 == qkv.size());
  CHECK(key[5] == qkv[24 * 24 + 5]);
  CHECK(hf.values<float>("encoder.layer.0.output.dense.bias") ==
        timm.values<float>("blocks.0.mlp.fc2.bias"));
  using Json = nlohmann::json;
  const Json config = Json::parse(read_text(folder.path() / "config.json"));
  CHECK(config["hidden_size"] == 24);
  CHECK(config["image_size"] == Json({12, 16}));
  CHECK(config["layer_norm_eps"] == 1e-6);
}

TEST_CASE("convert: an epsilon that neither names nor shapes say is said") {
  using Coarse =
      SAIM<ViT<2, 24, 3, Patch<4>, Image<12, 16>, NormEpsilon<std::ratio<1, 1000>>>, Parallel<2>>;
  for (const KeyLayout& layout : {timm_keys, mae_keys}) {
    CHECK(left_unsaid(layout, describe_model<Small>()) == "");
    CHECK(
        left_unsaid(layout, describe_model<Coarse>()) ==
        "its norms have an epsilon of 0.001, which names and shapes do not say; build the encoder "
        "with it there (timm: norm_layer).");
  }
  CHECK(left_unsaid(hugging_face_keys, describe_model<Coarse>()) == "");
  CHECK(nlohmann::json::parse(hugging_face_config(describe_model<Coarse>()))["layer_norm_eps"] ==
        1e-3);
}

TEST_CASE("convert: an MAE travels with its decoder, or its encoder alone") {
  const TemporaryFolder folder;
  const auto model = numbered<Masked>();
  const auto path = (folder.path() / "mae.safetensors").string();
  export_model(path, mae_keys, describe_model<Masked>(), model);
  CHECK(import_model(path, mae_keys, describe_model<Masked>(), true) == model);
  CHECK(import_model(path, mae_keys, describe_model<Masked>(), false) ==
        encoder_parameters<Masked>(std::span<const float>(model)));
  CHECK(Safetensors(path).at("decoder_pos_embed").shape == std::vector<std::int64_t>{1, 13, 16});
  export_model(path, timm_keys, describe_model<Masked>(), model);
  CHECK(Safetensors(path).find("mask_token") == nullptr);
}

TEST_CASE("convert: what does not fit is refused in one sentence") {
  const TemporaryFolder folder;
  const auto path = (folder.path() / "x.safetensors").string();
  const auto said = [&](auto&& act) {
    try {
      act();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto bare = numbered<Bare>();
  CHECK(said([&] {
          export_model(path, hugging_face_keys, describe_model<Bare>(), bare);
        }).find("always has a class token") != std::string::npos);
  export_model(path, timm_keys, describe_model<Bare>(), bare);
  CHECK(import_model(path, timm_keys, describe_model<Bare>(), false).size() ==
        std::size_t(Bare::Encoder::parameter_count));
  CHECK(said([&] {
          import_model(path, timm_keys, describe_model<Small>(), false);
        }).find("holds no tensor 'cls_token'") != std::string::npos);

  for (const ModelDescription& model :
       {describe_model<GVP_d2d_Nano>(), describe_model<GVP_p2p_Nano_y_extra>()}) {
    const std::vector<float> parameters(model.parameters);
    for (const KeyLayout& layout : key_layouts())
      CHECK(said([&] {
              export_model(path, layout, model, parameters);
            }).find("reads codes or has conditions, which no other program knows; choose") !=
            std::string::npos);
    CHECK(said([&] {
            import_model(path, timm_keys, model, false);
          }).find("reads codes or has conditions") != std::string::npos);
  }

  // Learned positions, and a tensor that is no part of an encoder.
  const auto model = numbered<Small>();
  export_model(path, timm_keys, describe_model<Small>(), model);
  std::vector<StoredTensor> tensors;
  const auto other = (folder.path() / "other.safetensors").string();
  {
    const Safetensors file(path);
    tensors.assign(file.tensors().begin(), file.tensors().end());
    std::vector<float> learned(13 * 24, 0.5f), extra(3);
    for (StoredTensor& tensor : tensors)
      if (tensor.name == "pos_embed")
        tensor = stored_tensor("pos_embed", {1, 13, 24}, learned.data());
    write_safetensors(other, tensors);
    CHECK(said([&] {
            import_model(other, timm_keys, describe_model<Small>(), false);
          }).find("differs from the fixed positions of the model by up to") != std::string::npos);
    tensors.assign(file.tensors().begin(), file.tensors().end());
    tensors.push_back(stored_tensor("head.bias", {3}, extra.data()));
    write_safetensors(other, tensors);
    CHECK(import_model(other, timm_keys, describe_model<Small>(), false).size() ==
          std::size_t(Small::Encoder::parameter_count));
    tensors.back().name = "blocks.2.norm1.bias";
    write_safetensors(other, tensors);
    CHECK(said([&] {
            import_model(other, timm_keys, describe_model<Small>(), false);
          }).find("blocks.2.norm1.bias is no part of this encoder") != std::string::npos);
  }
  CHECK_THROWS_WITH_AS(key_layout_from("tim"), doctest::Contains("did you mean 'timm'?"),
                       OptionError);
}

}  // namespace
}  // namespace arvit::test
