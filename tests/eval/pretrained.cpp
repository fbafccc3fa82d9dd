// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/pretrained.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "arvit/device/cpu.hpp"
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
  return write_encoder<Encoder>(path, untrained(placed_tensors(Encoder::groups()), 3), metadata);
}
template <class Encoder>
PretrainedInfo info_of(const std::filesystem::path& path, const std::string& name,
                       const std::string& options = "{}") {
  return PretrainedInfo::of(
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
  std::vector<float> images(static_cast<std::size_t>(count * 3 * height * width));
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
  how.mask = mask, how.seed = seed;
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
template <class Act> std::string said(Act&& act) { return message_of<Error>(act); }

TEST_CASE("pretrained: what a file says of its encoder, and what is said of a file that does not") {
  const TemporaryFolder folder;
  const std::string path = (folder / "encoder").string();
  const auto of = [&](const Metadata& metadata, const std::string& model = {}) {
    const float number = 1;
    const StoredTensor tensor{"x", StoredType::F32, {1}, std::as_bytes(std::span(&number, 1))};
    write_safetensors(path, std::span(&tensor, 1), metadata);
    return PretrainedInfo::of(Safetensors(path), model);
  };
  const PretrainedInfo bare = of({{"model_name", "Plain"}});
  CHECK(bare.model_name == "Plain");
  CHECK(bare.path == path);
  CHECK(bare.normalisation.mean == Normalisation::imagenet().mean);
  CHECK(bare.normalisation.deviation == Normalisation::imagenet().deviation);
  CHECK(of({{"model_name", "Plain"}}, "Other").model_name == "Other");
  CHECK(of({}, "Other").model_name == "Other");
  CHECK(said([&] { of({}); }) == path + ": does not say which model it holds; give --model.");
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

TEST_CASE(
    "pretrained: the mask of pre-training or none, by name; each picture's order follows from the "
    "seed") {
  const TemporaryFolder folder;
  const PretrainedInfo info = info_of<Plain::Encoder>(folder / "plain", "Plain");
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
        "--codebook book: Plain reads pixels; drop --codebook.");
  CHECK(said([&] { read(with_condition("book")); }) ==
        "--condition book: Plain has no condition that a file makes; drop --condition.");
}

TEST_CASE(
    "pretrained: an encoder of codes has the codebook that its file names, or the one that is "
    "given, for images of any size") {
  const TemporaryFolder folder;
  const std::string named = saved_codebook(folder / "named", true),
                    other = saved_codebook(folder / "other", false);
  const PretrainedInfo info = info_of<OfCodes::Encoder>(folder / "coded", "OfCodes",
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
        "--condition book: OfCodes has no condition that a file makes; drop --condition.");
  const PretrainedInfo silent = info_of<OfCodes::Encoder>(folder / "silent", "OfCodes"),
                       stored = info_of<OfCodes::Encoder>(folder / "stored", "OfCodes",
                                                          "{\"teacher\":\"codes.npy\"}");
  CHECK(said([&] { extractor_of<OfCodes>(device, silent, options); }) ==
        silent.path +
            ": its encoder needs what --teacher made in its run, and the file names none; give "
            "--codebook, or choose another checkpoint.");
  CHECK(said([&] { extractor_of<OfCodes>(device, stored, options); }) ==
        stored.path +
            ": its encoder needs what --teacher made in its run, codes.npy, which holds that run's "
            "pictures only; give --codebook, or choose another checkpoint.");
}

TEST_CASE(
    "pretrained: conditions are made by what the file names, or by what is given, for images of "
    "any size; no label is known") {
  const TemporaryFolder folder;
  const std::string named = saved_codebook(folder / "named", true),
                    other = saved_codebook(folder / "other", false);
  const PretrainedInfo info = info_of<Shared::Encoder>(folder / "shared", "Shared",
                                                       text("{\"condition\":\"", named, "\"}"));
  Fp32Cpu device({1, {}});
  for (const int height : {side, 2 * side}) {
    const FeatureOptions options{
        .batch = 2, .height = height, .width = side, .features = {{Readout::condition}}};
    std::vector<float> images(static_cast<std::size_t>(count * 3 * height * side), -2.f);  // black
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
        "--codebook " + named + ": Shared reads pixels; drop --codebook.");
  CHECK(said([&] { extractor_of<Shared>(device, info, options, with_condition("given.npy")); }) ==
        "--condition given.npy holds the conditions of the pictures of a run only; read features "
        "of an encoder whose conditions a checkpoint or codebook makes.");
  const PretrainedInfo silent = info_of<Shared::Encoder>(folder / "silent", "Shared"),
                       stored = info_of<Shared::Encoder>(folder / "stored", "Shared",
                                                         "{\"condition\":\"given.npy\"}");
  CHECK(said([&] { extractor_of<Shared>(device, silent, options); }) ==
        silent.path +
            ": its encoder needs what --condition made in its run, and the file names none; give "
            "--condition, or choose another checkpoint.");
  CHECK(said([&] { extractor_of<Shared>(device, stored, options); }) ==
        stored.path +
            ": its encoder needs what --condition made in its run, given.npy, which holds that "
            "run's pictures only; give --condition, or choose another checkpoint.");

  const PretrainedInfo labelled = info_of<Labelled::Encoder>(
      folder / "labelled", "Labelled");  // names nothing and needs nothing
  const auto labels = extractor_of<Labelled>(device, labelled,
                                             {.batch = 2, .features = {{Readout::condition}}});
  CHECK(features_of<Labelled::Encoder>(*labels, labelled.path, images_of()) ==
        std::vector<float>(count, 3.f));
}

TEST_CASE(
    "pretrained: an encoder's features as a condition, from a file or the folder of a run, with "
    "and without the mask") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "run");
  const std::string teacher = written<Small<>>(folder / "run" / "checkpoint-000000002.safetensors",
                                               {});
  const PretrainedInfo info = info_of<Taught::Encoder>(folder / "taught", "Taught",
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

TEST_CASE("pretrained: codes and labels that are none are refused, with the mask and without") {
  const TemporaryFolder folder;
  const PretrainedInfo coded = info_of<OfCodes::Encoder>(folder / "coded", "OfCodes"),
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

/// Pictures of one grey each.
struct Greys {
  std::int64_t size() const { return 9; }
  int label(std::int64_t) const { return -1; }
  Picture picture(std::int64_t i) const {
    Picture result(8, 4);
    std::fill_n(result.data(), 3 * 8 * 4, static_cast<std::uint8_t>(20 * i));
    return result;
  }
};

TEST_CASE("pretrained: the pictures that are drawn follow from the seed, and say which they are") {
  const EvaluationTransform transform({.height = 8, .width = 4, .normalisation = {}});
  const auto which = [&](const PictureBatch& batch) {
    std::vector<std::uint32_t> numbers;
    for (const Counter& counter : batch.counters) numbers.push_back(counter.image);
    return numbers;
  };
  const PictureBatch drawn = draw_pictures(Greys{}, transform, 4, 3),
                     again = draw_pictures(Greys{}, transform, 4, 3);
  REQUIRE(drawn.counters.size() == 4);
  REQUIRE(drawn.images.size() == 4 * 3 * 8 * 4);
  CHECK(again.images == drawn.images);
  CHECK(which(again) == which(drawn));
  std::set<std::vector<std::uint32_t>> draws;
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    draws.insert(which(draw_pictures(Greys{}, transform, 4, seed)));
  CHECK(draws.size() > 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(drawn.counters[i].seed == 3);
    CHECK(drawn.counters[i].epoch == 0);
    for (std::size_t pixel = 0; pixel < 96; ++pixel)
      CHECK(drawn.images[i * 96 + pixel] ==
            static_cast<float>(20 * drawn.counters[i].image) / 255.f);
  }
  CHECK(std::set<float>(drawn.images.begin(), drawn.images.end()).size() == 4);
  CHECK(which(draw_pictures(Greys{}, transform, 20, 3)) ==
        std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("pretrained: a picture that cannot be read is an error") {
  const TemporaryFolder folder;
  for (const char* name : {"0.png", "1.png", "2.png"})
    write_bytes(folder / "pictures" / name,
                test::encode_png({7}, 1, 1, {.colour = PNG_COLOR_TYPE_GRAY}));
  const EvaluationTransform transform({.height = 4, .width = 4});
  CHECK(draw_pictures(open_dataset(folder / "pictures"), transform, 3, 1).counters.size() == 3);
  write_bytes(folder / "pictures" / "1.png", std::string_view("no picture"));
  CHECK(message_of<FileError>([&] {
          draw_pictures(open_dataset(folder / "pictures"), transform, 3, 1);
        }).find((folder / "pictures" / "1.png").string() + ": neither a JPEG nor a PNG picture") ==
        0);
}

TEST_CASE("pretrained: the names of splits") {
  CHECK(split_from("train") == Split::train);
  CHECK(split_from("test") == Split::test);
  CHECK(said([] { split_from("val"); }).find("split 'val' is not known") == 0);
  CHECK(said([] { split_from("tests"); }) ==
        "split 'tests' is not known; did you mean 'test'? Known: train, test.");
}

}  // namespace
}  // namespace arvit::test
