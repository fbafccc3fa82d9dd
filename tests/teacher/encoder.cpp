// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/encoder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "arvit/device/cpu.hpp"
#include "support/encoder_file.hpp"
#include "support/made_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
using TeacherEncoder = ViT<2, 8, 2, Patch<4>, Image<12>>;
constexpr int tokens = 10, pictures = 12;

template <class Encoder> std::string identity_of(const std::string& file) {
  Cpu<Fp32> device({1, {}});
  return EncoderTeacher<Encoder, Cpu<Fp32>>(device, file, {}).identity();
}
std::vector<float> random_numbers(std::int64_t count, std::uint64_t seed) {
  std::vector<float> values(count);
  fill_uniform(values, Counter{seed});
  return values;
}
}  // namespace

TEST_CASE(
    "encoder teacher: a frozen encoder sees the pictures in the colours that it was trained on") {
  const test::TemporaryFolder folder;
  const std::string checkpoint = test::made_teacher(folder / "teacher");
  const Safetensors file(checkpoint);
  const Normalisation own = encoder_colours(file), other = Normalisation::imagenet();
  REQUIRE(own.mean != other.mean);
  Cpu<Fp32> device({1, {}});
  std::vector<float> in_own(5 * 3 * 144), in_other(in_own.size());
  Stream random(Counter{3});
  for (std::size_t i = 0; i < in_own.size(); ++i) {
    const float value = random.uniform();
    in_own[i] = (value - own.mean[i / 144 % 3]) / own.deviation[i / 144 % 3];
    in_other[i] = (value - other.mean[i / 144 % 3]) / other.deviation[i / 144 % 3];
  }
  FeatureExtractor<TeacherEncoder, Cpu<Fp32>> extractor(
      device, {.batch = 5, .features = {Feature{Readout::tokens}}});
  extractor.load(load_encoder<TeacherEncoder>(checkpoint));
  const auto expected = extractor.extract(std::span<const float>(in_own));
  const std::vector<Counter> counters(5);
  for (const auto& [colours, images] : {std::pair{own, &in_own}, std::pair{other, &in_other}}) {
    EncoderTeacher<TeacherEncoder, Cpu<Fp32>> teacher(device, checkpoint,
                                                      {.colours = colours, .micro_batch = 5});
    std::vector<float> given(5 * tokens * 8);
    teacher(images->data(), counters, given.data());
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      difference = std::max(difference, std::abs(double{given[i]} - expected[i]));
      largest = std::max(largest, std::abs(double{given[i]}));
    }
    CHECK(largest > 0.5);
    CHECK(difference < 2e-5);
  }
}

TEST_CASE(
    "encoder teacher: an encoder says what it computes by its contents, wherever its file lies") {
  const test::TemporaryFolder folder;
  const auto parameters = random_numbers(TeacherEncoder::parameter_count, 5);
  const auto said = [&](const char* name, const std::vector<float>& values,
                        const Metadata& metadata) {
    return identity_of<TeacherEncoder>(
        test::write_encoder<TeacherEncoder>(folder / name, values, metadata));
  };
  const auto colours = [](const char* mean, const char* deviation) {
    return Metadata{{"pixel_mean", mean}, {"pixel_deviation", deviation}};
  };
  const Metadata own = colours("[0.5,0.5,0.5]", "[0.25,0.25,0.25]");
  const std::string identity = said("own", parameters, own);
  CHECK(identity.starts_with("ViT<2,8,2,Patch<4>,Image<12,12>>, parameters "));
  CHECK(said("elsewhere", parameters, own) == identity);
  CHECK(said("mean", parameters, colours("[0.5,0.5,0.25]", "[0.25,0.25,0.25]")) != identity);
  CHECK(said("deviation", parameters, colours("[0.5,0.5,0.5]", "[0.5,0.25,0.25]")) != identity);
  CHECK(said("none", parameters, {}) != identity);
  CHECK(said("none", parameters, {}) ==
        said("imagenet", parameters,
             colours("[0.485,0.456,0.406]",
                     "[0.229,0.224,0.225]")));  // what a file without them was trained on
  for (const std::size_t which : {std::size_t{0}, parameters.size() / 2, parameters.size() - 1}) {
    auto changed = parameters;
    changed[which] = std::nextafter(changed[which], 2.f);
    CHECK(said("changed", changed, own) != identity);
  }
  using OtherHeads = ViT<2, 8, 4, Patch<4>, Image<12>>;  // the same tensors
  CHECK(identity_of<OtherHeads>((folder / "own").string()) != identity);
}

TEST_CASE("encoder teacher: what is not finite is said of the teacher that gave it") {
  const test::TemporaryFolder folder;
  auto parameters = random_numbers(TeacherEncoder::parameter_count, 3);
  parameters[20] = NAN;
  const std::string file = test::write_encoder<TeacherEncoder>(folder / "broken.safetensors",
                                                               parameters);
  Cpu<Fp32> device({1, {}});
  EncoderTeacher<TeacherEncoder, Cpu<Fp32>> teacher(device, file, {});
  std::vector<float> image(3 * 144, 0.5f), given(10 * 8);
  CHECK(test::message_of<NumericError>([&] {
          teacher(image.data(), std::vector<Counter>(1), given.data());
        }) == file + ": what this teacher gives is not finite; choose another checkpoint.");
}
