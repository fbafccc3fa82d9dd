// SPDX-License-Identifier: BSL-1.0
#include "arvit/teacher/conditions.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "arvit/device/reference.hpp"
#include "arvit/io/npy.hpp"
#include "support/made_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
using TeacherEncoder = ViT<2, 8, 2, Patch<4>, Image<12>>;
using Teacher = test::SmallModel<>;
struct Narrow {
  static constexpr int dim = 3;
};
template <class... O>
using Conditioned = Pretrainer<ViT<2, 12, 3, Patch<4>, Image<12>, O...>, Decoder<TwoStream<>>,
                               OrderPolicy<Grouped<Random<3>>>, Target<Pixel>>;
constexpr int pictures = 12;

RunOptions options_of(const std::filesystem::path& out, const std::string& condition = {}) {
  RunOptions options = test::quick_made_run(out, "Conditioned", 6);
  options.teacher.condition = condition;
  options.pictures.normalise = Normalise::measured;
  return options;
}
std::vector<Counter> counters(int count) {
  std::vector<Counter> all;
  for (int i = 0; i < count; ++i)
    all.push_back({.seed = 1, .image = static_cast<std::uint32_t>(i)});
  return all;
}
}  // namespace

TEST_CASE(
    "conditions: the mean of a teacher's tokens, the share of codes, labels; kind after kind") {
  const test::TemporaryFolder folder;
  test::losses_of<Teacher>(options_of(folder / "teacher"));
  const std::string checkpoint = find_checkpoint((folder / "teacher").string());
  Codebook codebook{2, std::vector<float>(4 * 12), "stripes", 0, 0};
  for (std::size_t i = 0; i < codebook.centroids.size(); ++i)
    codebook.centroids[i] = static_cast<float>(i / 12) / 3;
  const std::string palette = (folder / "palette.safetensors").string();
  save_codebook(palette, codebook);

  Cpu<Fp32> device({1, {}});
  const Safetensors file(checkpoint);
  const Normalisation own{detail::metadata_triple(file, "pixel_mean"),
                          detail::metadata_triple(file, "pixel_deviation")};
  std::vector<float> images(4 * 3 * 144);
  Stream random(Counter{3});
  for (float& value : images) value = random.uniform();
  const auto names = counters(4);

  using OfTeacher =
      ViT<1, 12, 3, Patch<4>, Image<12>, Conditions<Labels<5>, Pooled<TeacherEncoder>>>;
  const std::vector<int> labels{4, -1, 0, 2};
  std::vector<float> given(4 * OfTeacher::condition_width);
  make_conditions<OfTeacher>(device, look_at(checkpoint),
                             {.colours = own, .micro_batch = 4, .count = 4, .labels = labels})
      .conditions(images.data(), names, given.data());
  CHECK(given[0] == 4);
  CHECK(given[1] == 5);  // no label: unknown
  CHECK(given[2] == 0);
  FeatureExtractor<TeacherEncoder, Cpu<Fp32>> extractor(
      device, {.batch = 4, .features = {{Readout::mean}}});
  extractor.load(load_encoder<TeacherEncoder>(checkpoint));
  CHECK(std::vector<float>(given.begin() + 4, given.end()) ==
        extractor.extract(std::span<const float>(images)));

  using OfCodes = ViT<1, 12, 3, Patch<4>, Image<12>, NoClassToken, Conditions<Pooled<Codes<4>>>>;
  given.assign(4 * 4, -1);
  make_conditions<OfCodes>(device, look_at(palette),
                           {.colours = {{0, 0, 0}, {1, 1, 1}}, .micro_batch = 4})
      .conditions(std::vector<float>(images.size(), 0.7f).data(), names, given.data());
  for (int i = 0; i < 16; ++i)
    CHECK(given[static_cast<std::size_t>(i)] == doctest::Approx(i % 4 == 2 ? 1 : 0));
  make_conditions<OfCodes>(device, look_at(palette),
                           {.colours = {{0, 0, 0}, {1, 1, 1}}, .micro_batch = 4})
      .conditions(images.data(), names, given.data());
  CHECK(std::accumulate(given.begin(), given.end(), 0.0) == doctest::Approx(4));
}

TEST_CASE("conditions: one label in ten is withheld, by the picture's counter") {
  const std::vector<int> labels(20000, 3);
  const auto names = counters(20000);
  std::vector<float> given(20000), again(20000);
  const auto give = label_condition(7, labels);
  give(nullptr, names, given.data());
  give(nullptr, names, again.data());
  CHECK(given == again);
  const auto unknown = std::count(given.begin(), given.end(), 7.f);
  CHECK(std::abs(static_cast<double>(unknown) - 2000) < 170);  // four deviations
  CHECK(std::count(given.begin(), given.end(), 3.f) == 20000 - unknown);
}

TEST_CASE("conditions: a run learns from the labels of its own pictures") {
  struct OneOther : test::MadePictures {
    int other;
    int label(std::int64_t i) const { return i == 7 ? other : MadePictures::label(i); }
  };
  const test::TemporaryFolder folder;
  const auto losses = [&](const char* name, const auto& set) {
    std::vector<double> all;
    test::train<Conditioned<Conditions<Labels<3>>>>(
        set, options_of(folder / name),
        {{nullptr, false}, [&](const StepRecord& record) { all.push_back(record.loss); }});
    return all;
  };
  const auto own = losses("own", test::MadePictures{pictures, 12});
  CHECK(losses("same", OneOther{{pictures, 12}, 1}) == own);
  CHECK(losses("other", OneOther{{pictures, 12}, 2}) != own);
  CHECK(losses("unknown", OneOther{{pictures, 12}, -1}) != own);
}

TEST_CASE_TEMPLATE(
    "conditions: a run, and features from what its checkpoint names", Encoder,
    ViT<2, 12, 3, Patch<4>, Image<12>, NoClassToken, Conditions<Pooled<TeacherEncoder>>>,
    ViT<2, 12, 3, Patch<4>, Image<12>, Conditions<Pooled<TeacherEncoder>, Labels<3>>>) {
  const test::TemporaryFolder folder;
  test::losses_of<Teacher>(options_of(folder / "teacher"));
  using Model =
      Pretrainer<Encoder, Decoder<TwoStream<>>, OrderPolicy<Grouped<Random<3>>>, Target<Pixel>>;
  RunOptions options = options_of(folder / "run", (folder / "teacher").string());
  const auto losses = test::losses_of<Model>(options);
  CHECK(losses.back() < losses.front());
  const std::string run = find_checkpoint(options.files.out);
  CHECK(source_of_run(Safetensors(run), "condition").path ==
        find_checkpoint((folder / "teacher").string()));

  Cpu<Fp32> device({1, {}});
  FeatureExtractor<Encoder, Cpu<Fp32>> extractor(
      device, {.batch = 2, .features = {{Readout::mean}, {Readout::condition}}});
  extractor.load(load_encoder<Encoder>(run));
  std::vector<float> image(3 * 144, 0.4f);
  CHECK(test::message_of<OptionError>([&] {
          extractor.extract(std::span<const float>(image));
        }).find("the encoder has conditions, and nothing is given that makes them") !=
        std::string::npos);
  const auto conditions = make_conditions<Encoder>(
      device, source_of_run(Safetensors(run), "condition"),
      {.colours = {{0, 0, 0}, {1, 1, 1}}, .micro_batch = 2});
  float shift = 0;
  extractor.conditions([&](const float* images, std::int64_t count, float* numbers) {
    conditions.conditions(images, std::vector<Counter>(count), numbers);
    numbers[0] += shift;
  });
  const auto features = extractor.extract(std::span<const float>(image));
  shift = 1;
  const auto moved = extractor.extract(std::span<const float>(image));
  CHECK(moved[12] == features[12] + 1);  // the condition itself
  CHECK(std::equal(features.begin() + 13, features.end(), moved.begin() + 13));
  CHECK_FALSE(std::equal(features.begin(), features.begin() + 12,
                         moved.begin()));  // and the encoder reads it
  if (Encoder::condition_width == 9)
    CHECK(features.back() == 3);  // no label is known where features are read
}

TEST_CASE(
    "conditions: features of several images, whose conditions of several kinds are given kind "
    "after kind") {
  using Encoder = ViT<2, 12, 3, Patch<4>, Image<12>, Conditions<Pooled<Narrow>, Labels<3>>>;
  using Double = Reference<double>;
  const std::vector<double> together{0.1, -0.2, 0.3, 0.7, 0.5, -0.6, 2, 0},
      first{0.1, -0.2, 0.3, 2}, second{0.7, 0.5, -0.6, 0};
  std::vector<double> parameters(Encoder::parameter_count), images(2 * 3 * 144);
  Stream random(Counter{3});
  for (double& value : parameters) value = random.uniform() - 0.5;
  for (double& value : images) value = random.uniform();
  Double device;
  const auto read = [&](std::span<const double> of, const std::vector<double>& conditions,
                        int batch) {
    FeatureExtractor<Encoder, Double> extractor(
        device,
        {.batch = batch, .features = {{Readout::mean}, {Readout::condition}, {Readout::tokens}}});
    extractor.load(parameters);
    extractor.conditions([&](const double*, std::int64_t count, double* numbers) {
      REQUIRE(count * 4 == static_cast<std::int64_t>(conditions.size()));
      std::copy(conditions.begin(), conditions.end(), numbers);
    });
    return extractor.extract(of);
  };
  const std::span<const double> both(images);
  const auto all = read(both, together, 2), part = read(both, together, 3);
  auto one = read(both.first(3 * 144), first, 2);
  const auto other = read(both.last(3 * 144), second, 2);
  one.insert(one.end(), other.begin(), other.end());
  const std::size_t width = one.size() / 2;
  CHECK(std::vector<double>(all.begin() + 12, all.begin() + 16) == first);
  CHECK(std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(width) + 12,
                            all.begin() + static_cast<std::ptrdiff_t>(width) + 16) == second);
  REQUIRE(all.size() == one.size());
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(std::abs(all[i] - one[i]) < 1e-12);
  CHECK(part == all);  // a pass that is not full
}

TEST_CASE("conditions: they are made beside what the target needs") {
  const auto making = [](float number) {
    return [number](const float*, std::span<const Counter> of, float* numbers) {
      std::fill_n(numbers, of.size(), number);
    };
  };
  const FrozenTeacher conditions{
      .conditions = making(3), .memory = {{"condition", 7}}, .identity = "condition"};
  const BatchWidths widths{.pixels = 9, .tokens = 1, .codes = 1, .conditions = 1};
  HostBatch<float> made(widths.beside_pixels(), 4);
  const Batch<float> batch = made.first(2);
  const auto filled = [&](const FrozenTeacher& teacher) {
    for (Span<float> part : {batch.tokens, batch.codes, batch.conditions})
      std::fill(part.begin(), part.end(), -1.f);
    teacher.fill(nullptr, counters(2), batch);
    return std::vector<float>{batch.tokens[1], batch.codes[1], batch.conditions[1]};
  };
  const FrozenTeacher both = with_conditions(
      {.tokens = making(1), .memory = {{"teacher", 7}}, .identity = "teacher", .halves = true},
      conditions);
  CHECK(filled(both) == std::vector<float>{1, -1, 3});
  CHECK(both.identity == "teacher; condition");
  CHECK(both.halves);
  REQUIRE(both.memory.size() == 2);
  CHECK(both.memory[0].what == "teacher");
  CHECK(both.memory[1].what == "condition");
  CHECK(both.makes({.pixels = 9, .tokens = 1, .conditions = 1}));
  CHECK_FALSE(both.makes(widths));
  CHECK(filled(with_conditions({.codes = making(2)}, conditions)) == std::vector<float>{-1, 2, 3});
  CHECK(filled(with_conditions({}, conditions)) == std::vector<float>{-1, -1, 3});
}

TEST_CASE(
    "conditions: a teacher cache keeps the target's numbers alone, and labels are withheld anew in "
    "every epoch") {
  using Model = Pretrainer<
      ViT<2, 12, 3, Patch<4>, Image<12>, Conditions<Labels<3>, Pooled<TeacherEncoder>>>,
      Decoder<TwoStream<>>, OrderPolicy<Grouped<Random<3>>>, Target<Features<TeacherEncoder>>>;
  const test::TemporaryFolder folder;
  test::losses_of<Teacher>(options_of(folder / "teacher"));
  RunOptions options = options_of(folder / "without", (folder / "teacher").string());
  options.teacher.path = options.teacher.condition;
  options.pictures.whole_picture = true;  // one crop of each picture
  const auto without = test::losses_of<Model>(options);
  const std::filesystem::path cache = folder / "cache";
  options.files.out = (folder / "first").string();
  options.teacher.cache = cache.string();
  CHECK(test::losses_of<Model>(options) == without);
  CHECK(std::filesystem::file_size(cache) ==
        4096 + pictures * (8 + 4 * 10 * 8));  // ten tokens of the teacher
  std::filesystem::last_write_time(cache,
                                   std::filesystem::last_write_time(cache) - std::chrono::hours(1));
  const auto time = std::filesystem::last_write_time(cache);
  options.files.out = (folder / "second").string();
  CHECK(test::losses_of<Model>(options) == without);
  CHECK(std::filesystem::last_write_time(cache) == time);  // what the teacher computes is written
}

TEST_CASE(
    "conditions: a step of a model that reads codes and has conditions, and what it refuses") {
  using Model = Pretrainer<ViT<1, 12, 3, Patch<4>, Image<12>, Embedding<Codes<4>>,
                               Conditions<Pooled<Narrow>, Labels<3>>>,
                           Decoder<TwoStream<>>, OrderPolicy<Grouped<Random<3>>>, Target<Codes<4>>>;
  Cpu<Fp32> device({1, {}});
  Step<Model, Cpu<Fp32>> step(device, {.micro_batch = 2});
  step.initialise(1);
  std::vector<float> codes(2 * 9, 3.f);
  std::vector<float> conditions(2 * 3 + 2, 0.25f);  // two images: three numbers each, a label each
  const auto names = counters(2);
  const auto said = [&](float label, float code) {
    conditions[6] = 3;
    conditions[7] = label;
    codes[9 + 4] = code;
    step.begin(names);
    return test::message_of<ShapeError>(
        [&] { step.accumulate({.codes = codes, .conditions = conditions}, names); });
  };
  CHECK(said(2, 3).empty());
  CHECK(step.loss() > 0);
  CHECK(said(4, 3) ==
        "condition: label 4 of image 1 is none of 0 .. 3, the last of which means unknown.");
  CHECK(said(NAN, 3).find("condition: label nan") == 0);
  CHECK(said(2, 4).find("code 4 of patch 4 of image 1 of these is none of 0 .. 3") == 0);
}

TEST_CASE("conditions: of images of another size") {
  const test::TemporaryFolder folder;
  Codebook codebook{4, std::vector<float>(4 * 48), "stripes", 0, 0};
  for (std::size_t i = 0; i < codebook.centroids.size(); ++i)
    codebook.centroids[i] = static_cast<float>(i / 48) / 3;
  const std::string file = (folder / "codebook.safetensors").string();
  save_codebook(file, codebook);
  using OfCodes = ViT<1, 12, 3, Patch<4>, Image<12>, NoClassToken, Conditions<Pooled<Codes<4>>>>;
  Cpu<Fp32> device({1, {}});
  std::vector<float> images(2 * 3 * 24 * 24, 0.f), given(8);
  std::fill(images.begin() + 3 * 24 * 24, images.end(), 1.f);  // one black, one white
  make_conditions<OfCodes>(
      device, look_at(file),
      {.colours = {{0, 0, 0}, {1, 1, 1}}, .micro_batch = 2, .height = 24, .width = 24})
      .conditions(images.data(), counters(2), given.data());
  for (int i = 0; i < 8; ++i)
    CHECK(given[static_cast<std::size_t>(i)] == doctest::Approx(i == 0 || i == 7 ? 1 : 0));
}

TEST_CASE("conditions: what is missing or does not fit is said in one sentence") {
  const test::TemporaryFolder folder;
  const auto said = [&]<class Model>(const std::string& condition, bool whole = true) {
    RunOptions options = options_of(folder / "run", condition);
    options.pictures.whole_picture = whole;
    return test::message_of<Error>([&] { test::losses_of<Model>(options); });
  };
  using Extra = Conditioned<Conditions<Pooled<Narrow>>>;
  CHECK(said.operator()<Extra>("") ==
        "the model has a condition that a teacher or tokenizer makes; give --condition, a "
        "checkpoint, a codebook or an npy file.");
  CHECK(said.operator()<Conditioned<>>("x.npy") ==
        "--condition x.npy: Conditioned has no condition that a file makes; drop --condition.");
  CHECK(said.operator()<Conditioned<Conditions<Labels<3>>>>("x.npy").find(
            "has no condition that a file makes") != std::string::npos);
  CHECK(said.operator()<Conditioned<Conditions<Labels<3>>>>("") == "");
  RunOptions skips = options_of(folder / "skips");
  skips.pictures.bad_files = OnBadFile::skip;
  CHECK(test::message_of<Error>([&] {
          test::losses_of<Conditioned<Conditions<Labels<3>>>>(skips);
        }).find("has labels as a condition, which go by the pictures' numbers") !=
        std::string::npos);
  write_npy(folder / "few.npy", xt::xarray<float>(xt::zeros<float>({pictures, 2})));
  write_npy(folder / "good.npy", xt::xarray<float>(xt::ones<float>({pictures, 3})));
  const std::string few = (folder / "few.npy").string(), good = (folder / "good.npy").string();
  CHECK(said.operator()<Extra>(few).find("its shape is [12, 2], [12, 3] was expected") !=
        std::string::npos);
  CHECK(said.operator()<Extra>(good, false) ==
        "--condition " + good +
            " holds what belongs to whole pictures; give --whole-picture, or one that looks at "
            "each crop.");
  std::filesystem::remove_all(folder / "run");
  CHECK(said.operator()<Extra>(good) == "");
  CHECK(test::message_of<OptionError>([&] {
          source_of_run(Safetensors(find_checkpoint((folder / "run").string())), "condition");
        })
            .find("good.npy, which holds that run's pictures only; give what makes it of any "
                  "picture, or choose another checkpoint.") != std::string::npos);
  Cpu<Fp32> device({1, {}});  // nobody knows the pictures where features are read
  CHECK(test::message_of<OptionError>([&] {
          make_conditions<Extra::Encoder>(device, look_at(good), {.micro_batch = 2});
        }) == good +
                  ": holds the conditions of the pictures of a run only; read features of an "
                  "encoder whose conditions a checkpoint or codebook makes.");
  CHECK_NOTHROW(make_conditions<Extra::Encoder>(device, look_at(good),
                                                {.micro_batch = 2, .count = pictures}));
  CHECK(test::message_of<OptionError>([] {
          label_condition(3, {0, 3});
        }) ==
        "condition: picture 1 has label 3, the model's Labels<3> ends at 2; give pictures of as "
        "many classes.");
}
