// SPDX-License-Identifier: BSL-1.0
#include "arvit/weights/encoder_file.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "arvit/io/safetensors.hpp"
#include "arvit/model/features.hpp"
#include "arvit/models.hpp"
#include "arvit/train/checkpoint.hpp"
#include "support/temporary_folder.hpp"

namespace arvit::test {
namespace {

using Small = SAIM<ViT<2, 24, 3, Patch<4>, Image<12, 16>>, Parallel<2>>;

template <class Act> std::string said(Act&& act) { return message_of<Error>(act); }

TEST_CASE(
    "encoder_file: what a file says of its encoder, and what is said of a file that does not") {
  const TemporaryFolder folder;
  const std::string path = (folder / "encoder").string();
  const auto of = [&](const Metadata& metadata, const std::string& model = {}) {
    const float number = 1;
    const StoredTensor tensor{"x", StoredType::F32, {1}, std::as_bytes(std::span(&number, 1))};
    write_safetensors(path, std::span(&tensor, 1), metadata);
    return EncoderInfo::of(Safetensors(path), model);
  };
  const EncoderInfo bare = of({{"model_name", "Plain"}});
  CHECK(bare.model_name == "Plain");
  CHECK(bare.path == path);
  CHECK(bare.normalisation.mean == Normalisation::imagenet().mean);
  CHECK(bare.normalisation.deviation == Normalisation::imagenet().deviation);
  CHECK(of({{"model_name", "Plain"}}, "Other").model_name == "Other");
  CHECK(of({}, "Other").model_name == "Other");
  CHECK(said([&] { of({}); }) == path + ": does not say which model it holds; name it.");
  const auto in = [&](const char* mean, const char* deviation) {
    return of({{"model_name", "Plain"}, {"pixel_mean", mean}, {"pixel_deviation", deviation}})
        .normalisation;
  };
  CHECK(in("[0.1,0.2,0.3]", "[0.5,0.25,2]").mean == std::array{0.1f, 0.2f, 0.3f});
  CHECK(in("[0.1,0.2,0.3]", "[0.5,0.25,2]").deviation == std::array{0.5f, 0.25f, 2.f});
  CHECK(
      said([&] { in("[0.1,0.2,0.3]", "[0.5,0,2]"); }) ==
      path +
          ": its pixel deviation 0 is not positive; the file is damaged, use another checkpoint.");
  CHECK(
      said([&] { in("[0.1,0.2,0.3]", "[0.5,-1,2]"); }) ==
      path +
          ": its pixel deviation -1 is not positive; the file is damaged, use another checkpoint.");
  CHECK(said([&] { in("[0.1,0.2]", "[0.5,1,2]"); }) ==
        path +
            ": its metadata 'pixel_mean' is '[0.1,0.2]', three numbers were expected; the file is "
            "damaged, use another checkpoint.");
  CHECK(said([&] {
          of({{"model_name", "Plain"}, {"pixel_mean", "[0.1,0.2,0.3]"}});
        }).find(path + ": its metadata do not say 'pixel_deviation'") == 0);
}

TEST_CASE("encoder_file: what is written is read as an encoder, with its pixel statistics") {
  const TemporaryFolder folder;
  const std::vector<float> model(Small::parameter_count, 0.25f);
  const auto encoder = encoder_parameters<Small>(std::span<const float>(model));
  const auto path = (folder.path() / "ours.safetensors").string();
  save_encoder(path, "Small", describe_model<Small>(), encoder, Normalisation::half());
  CHECK(load_encoder<Small::Encoder>(path) == encoder);
  const EncoderInfo info = EncoderInfo::of(Safetensors(path));
  CHECK(info.model_name == "Small");
  CHECK(info.normalisation.deviation[1] == 0.5f);
  CHECK(EncoderInfo::of(Safetensors(path), "Other").model_name == "Other");
  save_encoder(path, "Small", describe_model<Small>(), model, Normalisation::half());
  CHECK(load_tensors(path, describe_model<Small>().tensors) == model);
  CHECK_THROWS_AS(save_encoder(path, "Small", describe_model<Small>(), std::span(model).first(7),
                               Normalisation::half()),
                  ShapeError);
}

}  // namespace
}  // namespace arvit::test
