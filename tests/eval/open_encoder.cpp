// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/open_encoder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "arvit/device/cpu.hpp"
#include "arvit/io/npy.hpp"
#include "arvit/variants.hpp"
#include "support/encode_picture.hpp"
#include "support/encoder_file.hpp"
#include "support/temporary_folder.hpp"

namespace arvit::test {
namespace {

template <class... O> using Small = ViT<1, 12, 3, Patch<4>, Image<12>, O...>;
using Plain = SAIM<Small<>, Parallel<1>, Target<Pixel>>;
using OfCodes = GVP<Small<Embedding<Codes<4>>>, Grouped<Random<3>>, Target<Codes<4>>>;
using Shared = GVP<Small<Conditions<Labels<3>, Pooled<Codes<4>>>>, Grouped<Random<3>>>;
using Taught = GVP<Small<NoClassToken, Conditions<Pooled<Small<>>>>, Grouped<Random<3>>>;
using Labelled = GVP<Small<Conditions<Labels<3>>>, Grouped<Random<3>>>;
using Fp32Cpu = Cpu<Fp32>;

constexpr int side = 12, count = 3;
const Metadata colours{{"pixel_mean", "[0.5,0.5,0.5]"}, {"pixel_deviation", "[0.25,0.25,0.25]"}};
const Normalisation normalisation{{0.5f, 0.5f, 0.5f}, {0.25f, 0.25f, 0.25f}};

/// A file of an encoder as new, with what a checkpoint says beside it, in the colours above.
template <class Encoder> std::string written(const std::filesystem::path& path, Metadata metadata) {
  metadata.insert(colours.begin(), colours.end());
  return write_encoder<Encoder>(path, untrained(Encoder::parameters(), 3), metadata);
}
template <class Encoder>
EncoderInfo info_of(const std::filesystem::path& path, const std::string& name,
                    const std::string& options = "{}") {
  return EncoderInfo::of(
      Safetensors(written<Encoder>(path, {{"model_name", name}, {"options", options}})));
}
/// Four greys, from dark to bright or back.
std::string saved_codebook(const std::filesystem::path& path, bool from_dark) {
  Codebook codebook{4, std::vector<float>(4 * 48), "greys", 0, 0};
  for (std::size_t i = 0; i < codebook.centroids.size(); ++i)
    codebook.centroids[i] = static_cast<float>(from_dark ? i / 48 : 3 - i / 48) / 3;
  save_codebook(path, codebook);
  return path.string();
}
/// Images of any colour in [0, 1], normalised.
std::vector<float> images_of(int height = side, int width = side) {
  std::vector<float> images(count * 3 * height * width);
  Stream random(Counter{3});
  for (float& value : images) value = (random.uniform() - 0.5f) / 0.25f;
  return images;
}
/// What an extractor reads, with the parameters of the file.
template <class Encoder>
std::vector<float> features_of(FeatureSource<float>& extractor, const std::string& path,
                               const std::vector<float>& images) {
  extractor.load(load_encoder<Encoder>(path));
  return extractor.extract(std::span<const float>(images));
}
ExtractorOptions masked(const std::string& mask, std::uint64_t seed = 0) {
  ExtractorOptions how;
  how.mask = mask;
  how.seed = seed;
  return how;
}
ExtractorOptions on_codebook(const std::string& file) {
  ExtractorOptions how;
  how.codebook = file;
  return how;
}
ExtractorOptions with_condition(const std::string& file) {
  ExtractorOptions how;
  how.condition = file;
  return how;
}
std::string saved_numbers(const std::filesystem::path& path) {
  write_npy(path, xt::xarray<float>(xt::zeros<float>({1})));
  return path.string();
}
template <class Act> std::string said(Act&& act) { return message_of<Error>(act); }

TEST_CASE(
    "open_encoder: the mask of pre-training or none, by name; each picture's order follows from "
    "the "
    "seed") {
  const TemporaryFolder folder;
  const EncoderInfo info = info_of<Plain::Encoder>(folder / "plain", "Plain");
  Fp32Cpu device({1, {}});
  const FeatureOptions options{.batch = 2, .features = {{Readout::mean}}};
  const auto images = images_of();
  const auto read = [&](const ExtractorOptions& how) {
    return features_of<Plain::Encoder>(*extractor_of<Plain>(device, info, options, how), info.path,
                                       images);
  };
  FeatureExtractor<Plain::Encoder, Fp32Cpu> whole(device, options);
  MaskedFeatures<Plain, Fp32Cpu> seventh(device, options, 7), eighth(device, options, 8);
  const auto expected = features_of<Plain::Encoder>(whole, info.path, images),
             in_order = features_of<Plain::Encoder>(seventh, info.path, images);
  REQUIRE(in_order != expected);
  CHECK(read({}) == expected);
  CHECK(read(masked("none", 7)) == expected);
  CHECK(read(masked("order", 7)) == in_order);
  CHECK(read(masked("order", 8)) == features_of<Plain::Encoder>(eighth, info.path, images));
  CHECK(read(masked("order", 8)) != in_order);
  CHECK(said([&] { read(masked("orders")); }) ==
        "mask 'orders' is not known; did you mean 'order'? Known: none, order.");
  CHECK(said([&] { read(on_codebook("book")); }) ==
        "codebook book: Plain reads pixels; drop the codebook.");
  CHECK(said([&] { read(with_condition("book")); }) ==
        "condition book: Plain has no condition that a file makes; drop the condition.");
}

TEST_CASE(
    "open_encoder: an encoder of codes has the codebook that its file names, or the one that is "
    "given, for images of any size") {
  const TemporaryFolder folder;
  const std::string named = saved_codebook(folder / "named", true),
                    other = saved_codebook(folder / "other", false);
  const EncoderInfo info = info_of<OfCodes::Encoder>(folder / "coded", "OfCodes",
                                                     text("{\"teacher\":\"", named, "\"}"));
  Fp32Cpu device({1, {}});
  for (const int height : {side, 2 * side}) {
    const FeatureOptions options{
        .batch = 2, .height = height, .width = side, .features = {{Readout::tokens}}};
    const auto images = images_of(height);
    const auto read = [&](const ExtractorOptions& how) {
      return features_of<OfCodes::Encoder>(*extractor_of<OfCodes>(device, info, options, how),
                                           info.path, images);
    };
    FeatureExtractor<OfCodes::Encoder, Fp32Cpu> extractor(device, options);
    const auto expected = [&](const std::string& codebook) {
      extractor.tokenizer(make_tokenizer(codebook, 4, {3, height, side, 4}, normalisation, 1));
      return features_of<OfCodes::Encoder>(extractor, info.path, images);
    };
    REQUIRE(expected(named) != expected(other));
    CHECK(read({}) == expected(named));
    CHECK(read(on_codebook(named)) == expected(named));
    CHECK(read(on_codebook(other)) == expected(other));
  }
  const auto in_order = extractor_of<OfCodes>(
      device, info, {.batch = 2, .features = {{Readout::mean}}}, masked("order"));
  CHECK(features_of<OfCodes::Encoder>(*in_order, info.path, images_of()).size() == count * 12);

  const FeatureOptions options{.batch = 2};
  CHECK(said([&] { extractor_of<OfCodes>(device, info, options, with_condition("book")); }) ==
        "condition book: OfCodes has no condition that a file makes; drop the condition.");
  const std::string numbers = saved_numbers(folder / "numbers");
  const EncoderInfo silent = info_of<OfCodes::Encoder>(folder / "silent", "OfCodes"),
                    stored = info_of<OfCodes::Encoder>(folder / "stored", "OfCodes",
                                                       text("{\"teacher\":\"", numbers, "\"}"));
  CHECK(
      said([&] { extractor_of<OfCodes>(device, silent, options); }) ==
      silent.path +
          ": its encoder needs the teacher of its run, and the file names none; give what makes it "
          "of any picture, or choose another checkpoint.");
  CHECK(said([&] { extractor_of<OfCodes>(device, stored, options); }) ==
        stored.path + ": its encoder needs the teacher of its run, " + numbers +
            ", which holds that run's pictures only; give what makes it of any picture, or choose "
            "another checkpoint.");
}

TEST_CASE(
    "open_encoder: conditions are made by what the file names, or by what is given, for images of "
    "any size; no label is known") {
  const TemporaryFolder folder;
  const std::string named = saved_codebook(folder / "named", true),
                    other = saved_codebook(folder / "other", false);
  const EncoderInfo info = info_of<Shared::Encoder>(folder / "shared", "Shared",
                                                    text("{\"condition\":\"", named, "\"}"));
  Fp32Cpu device({1, {}});
  for (const int height : {side, 2 * side}) {
    const FeatureOptions options{
        .batch = 2, .height = height, .width = side, .features = {{Readout::condition}}};
    std::vector<float> images(count * 3 * height * side, -2.f);  // black
    std::fill(images.begin() + 3 * height * side, images.begin() + 6 * height * side,
              2.f);  // the second one white
    const auto read = [&](const ExtractorOptions& how) {
      return features_of<Shared::Encoder>(*extractor_of<Shared>(device, info, options, how),
                                          info.path, images);
    };
    const auto close_to = [&](const std::vector<float>& got,
                              std::initializer_list<float> expected) {
      REQUIRE(got.size() == expected.size());
      return std::equal(got.begin(), got.end(), expected.begin(),
                        [](float a, float b) { return std::abs(a - b) < 1e-5f; });
    };
    CHECK(close_to(read({}), {3, 1, 0, 0, 0, 3, 0, 0, 0, 1, 3, 1, 0, 0, 0}));
    CHECK(close_to(read(with_condition(other)), {3, 0, 0, 0, 1, 3, 1, 0, 0, 0, 3, 0, 0, 0, 1}));
  }
  const FeatureOptions options{.batch = 2};
  CHECK(said([&] { extractor_of<Shared>(device, info, options, on_codebook(named)); }) ==
        "codebook " + named + ": Shared reads pixels; drop the codebook.");
  const std::string numbers = saved_numbers(folder / "numbers");
  CHECK(said([&] { extractor_of<Shared>(device, info, options, with_condition(numbers)); }) ==
        numbers +
            ": holds the conditions of the pictures of a run only; read features of an encoder "
            "whose conditions a checkpoint or codebook makes.");
  const EncoderInfo silent = info_of<Shared::Encoder>(folder / "silent", "Shared"),
                    stored = info_of<Shared::Encoder>(folder / "stored", "Shared",
                                                      text("{\"condition\":\"", numbers, "\"}"));
  CHECK(said([&] { extractor_of<Shared>(device, silent, options); }) ==
        silent.path +
            ": its encoder needs the condition of its run, and the file names none; give what "
            "makes it "
            "of any picture, or choose another checkpoint.");
  CHECK(said([&] { extractor_of<Shared>(device, stored, options); }) ==
        stored.path + ": its encoder needs the condition of its run, " + numbers +
            ", which holds that run's pictures only; give what makes it of any picture, or choose "
            "another checkpoint.");

  // Names nothing and needs nothing.
  const EncoderInfo labelled = info_of<Labelled::Encoder>(folder / "labelled", "Labelled");
  const auto labels = extractor_of<Labelled>(device, labelled,
                                             {.batch = 2, .features = {{Readout::condition}}});
  CHECK(features_of<Labelled::Encoder>(*labels, labelled.path, images_of()) ==
        std::vector<float>(count, 3.f));
}

TEST_CASE(
    "open_encoder: an encoder's features as a condition, from a file or the folder of a run, with "
    "and without the mask") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "run");
  const std::string teacher = written<Small<>>(folder / "run" / "checkpoint-000000002.safetensors",
                                               {});
  const EncoderInfo info = info_of<Taught::Encoder>(folder / "taught", "Taught",
                                                    text("{\"condition\":\"", teacher, "\"}"));
  Fp32Cpu device({1, {}});
  const auto images = images_of();
  FeatureExtractor<Small<>, Fp32Cpu> alone(device, {.batch = 2, .features = {{Readout::mean}}});
  const auto expected = features_of<Small<>>(alone, teacher, images);
  for (const std::string& condition : {std::string(), teacher, (folder / "run").string()}) {
    const auto extractor = extractor_of<Taught>(
        device, info, {.batch = 2, .features = {{Readout::condition}}}, with_condition(condition));
    CHECK(features_of<Taught::Encoder>(*extractor, info.path, images) == expected);
  }
  const auto in_order = extractor_of<Taught>(
      device, info, {.batch = 2, .features = {{Readout::mean}}}, masked("order"));
  CHECK(features_of<Taught::Encoder>(*in_order, info.path, images).size() == count * 12);
}

TEST_CASE("open_encoder: codes and labels that are none are refused, with the mask and without") {
  const TemporaryFolder folder;
  const EncoderInfo coded = info_of<OfCodes::Encoder>(folder / "coded", "OfCodes"),
                    labelled = info_of<Labelled::Encoder>(folder / "labelled", "Labelled");
  const std::string book = saved_codebook(folder / "book", true);
  Fp32Cpu device({1, {}});
  for (const char* mask : {"none", "order"}) {
    ExtractorOptions how = on_codebook(book);
    how.mask = mask;
    const auto of_codes = extractor_of<OfCodes>(device, coded,
                                                {.batch = 2, .features = {{Readout::mean}}}, how);
    of_codes->tokenizer([](const float*, std::int64_t images, float* codes) {
      std::fill_n(codes, 9 * images, 3.f), codes[9 * images - 2] = 4;
    });
    CHECK(said([&] { features_of<OfCodes::Encoder>(*of_codes, coded.path, images_of()); }) ==
          "code 4 of patch 7 of image 1 of these is none of 0 .. 3; use codes of the model's "
          "tokenizer.");
    const auto of_labels = extractor_of<Labelled>(
        device, labelled, {.batch = 2, .features = {{Readout::mean}}}, masked(mask));
    of_labels->conditions([](const float*, std::int64_t images, float* labels) {
      std::fill_n(labels, images, 3.f), labels[images - 1] = 4;
    });
    CHECK(said([&] { features_of<Labelled::Encoder>(*of_labels, labelled.path, images_of()); }) ==
          "condition: label 4 of image 1 is none of 0 .. 3, the last of which means unknown.");
  }
}

}  // namespace
}  // namespace arvit::test
