// SPDX-License-Identifier: BSL-1.0
#include "arvit/run/own_teacher.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <cmath>
#include <concepts>
#include <iostream>
#include <memory>
#include <set>
#include <sstream>

#include "arvit/train/stop.hpp"
#include "arvit/variants.hpp"
#include "support/encode_picture.hpp"
#include "support/made_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {

constexpr int pictures = 12, greys = 4;
template <class... O> using Small = ViT<1, 8, 2, Patch<4>, Image<12>, O...>;
using Teacher = ViT<2, 8, 2, Patch<4>, Image<12>>;
using Plain = SAIM<Small<>, Parallel<1>, Target<Pixel>>;
using Student = SAIM<Small<>, Parallel<1>, Target<Features<Teacher>>>;
using OfTower =
    Pretrainer<ViT<1, 32, 1, Patch<16>>, Decoder<Distil>, OrderPolicy<Stochastic>, Target<CLIP<>>>;
template <int N> using OnCodes = CausalViT<Small<>, Target<Codes<N>>>;
template <class... Kinds> using With = GVP<Small<Conditions<Kinds...>>, Grouped<Random<3>>>;

static_assert(std::same_as<TeacherModel<Teacher>, SemAIM<Teacher, Parallel<2>>>);
static_assert(std::same_as<TeacherModel<ViT_B16<>>, SemAIM<ViT_B16<>, Parallel<2>>>);
static_assert(std::same_as<TeacherModel<Small<>>, SemAIM<Small<>, Parallel<1>>>);

/// Pictures of 3 x 3 tiles of 4 x 4 pixels, each of one of four greys.
AnyDataset tiles(const std::filesystem::path& folder) {
  for (int i = 0; i < pictures; ++i) {
    Bytes pixels(12 * 12);
    for (int y = 0; y < 12; ++y)
      for (int x = 0; x < 12; ++x)
        pixels[static_cast<std::size_t>(12 * y + x)] = static_cast<std::uint8_t>(
            60 * ((i + y / 4 * 3 + x / 4) % greys) + 30);
    test::write_bytes(folder / text(i / 10, i % 10, ".png"),
                      test::encode_png(pixels, 12, 12, {.colour = PNG_COLOR_TYPE_GRAY}));
  }
  return open_dataset(folder);
}
RunOptions options_of(const std::filesystem::path& out) {
  RunOptions options;
  options.model = "Student";
  options.data = "tiles";
  options.files.out = out.string();
  options.schedule.epochs = 2;
  options.schedule.warmup = 0;
  options.batch.size = 6;
  options.schedule.lr = 0.01;
  options.machine.threads = 1;
  return options;
}
template <class Make> std::string said(Make&& make) { return test::message_of<OptionError>(make); }

/// The progress of a run goes nowhere.
class Quiet {
 public:
  Quiet() : before_(std::cout.rdbuf(nowhere_.rdbuf())) {}
  ~Quiet() { std::cout.rdbuf(before_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  std::ostringstream nowhere_;
  std::streambuf* before_;
};

/// Pictures that ask a run to stop, once, as soon as it listens.
struct Interrupting {
  AnyDataset set;
  std::shared_ptr<std::atomic<bool>> asked = std::make_shared<std::atomic<bool>>(false);
  std::int64_t size() const { return set.size(); }
  int label(std::int64_t i) const { return set.label(i); }
  Picture picture(std::int64_t i) const {
    struct sigaction now {};
    sigaction(SIGTERM, nullptr, &now);
    if (now.sa_handler == arvit::detail::arvit_receive_signal && !asked->exchange(true))
      raise(SIGTERM);
    return set.picture(i);
  }
};

}  // namespace

TEST_CASE("own teacher: a model that needs none gets none") {
  const test::TemporaryFolder folder;
  const AnyDataset set = tiles(folder / "pictures");
  const RunOptions options = options_of(folder / "run");
  CHECK(make_own_teacher<Plain>(set, options) == "");
  CHECK(make_own_condition<Plain>(set, options) == "");
  CHECK(make_own_teacher<With<Labels<3>>>(set, options) == "");
  CHECK(make_own_condition<With<Labels<3>>>(set, options) == "");
  CHECK_FALSE(std::filesystem::exists(options.files.out));
}

TEST_CASE("own teacher: a codebook of the model's codes and patches, which a resumed run keeps") {
  const test::TemporaryFolder folder;
  const AnyDataset set = tiles(folder / "pictures");
  RunOptions options = options_of(folder / "run");
  options.seed = 5;
  const std::string file = options.files.out + "/codebook.safetensors";
  CHECK(make_own_teacher<OnCodes<greys>>(set, options) == file);
  const Codebook codebook = load_codebook(file);
  CHECK(codebook.codes() == greys);
  CHECK(codebook.patch == 4);
  CHECK(codebook.seed == 5);
  CHECK(codebook.inertia < 1e-12);
  std::set<int> found;
  for (const float value : codebook.centroids)
    found.insert(static_cast<int>(std::lround(255 * value)));
  CHECK(found == std::set<int>{30, 90, 150, 210});

  CHECK(said([&] { make_own_teacher<OnCodes<greys>>(set, options); }) ==
        "--out " + options.files.out + " already holds " + file +
            "; continue that run with --resume, or choose another folder.");
  options.files.resume = true;
  options.seed = 6;
  CHECK(make_own_teacher<OnCodes<greys>>(set, options) == file);
  CHECK(load_codebook(file).seed == 5);
  options.files.out = (folder / "fresh").string();  // a run that was stopped before it had one
  CHECK(make_own_teacher<OnCodes<greys>>(set, options) ==
        options.files.out + "/codebook.safetensors");
  CHECK(load_codebook(options.files.out + "/codebook.safetensors").seed == 6);

  using Reads = GVP<Small<Embedding<Codes<3>>>, Grouped<Random<3>>>;  // and predicts pixels
  const auto read = make_own_teacher<Reads>(set, options_of(folder / "reads"));
  REQUIRE(read.has_value());
  CHECK(load_codebook(*read).codes() == 3);

  options = options_of(folder / "trained");
  options.teacher.path = file;
  CHECK(codebook_note(options.teacher.path, contents_text(set), OnCodes<greys>::Encoder::shape)
            .empty());
  const TrainingResult result = test::train<OnCodes<greys>>(set, options, {{nullptr, false}, {}});
  CHECK(result.complete);
  CHECK(std::isfinite(result.loss));
}

TEST_CASE(
    "own teacher: a codebook is fitted to the patches that the model sees, in pictures of its "
    "size") {
  const test::TemporaryFolder folder;
  const AnyDataset set = tiles(folder / "pictures");
  CHECK(said([&] {
          make_own_teacher<OnCodes<9 * pictures + 1>>(set, options_of(folder / "run"));
        }) == "codebook: 109 codes for 108 patches; choose fewer codes, or give more pictures.");
  using Wide = CausalViT<ViT<1, 8, 2, Patch<4>, Image<12, 24>>, Target<Codes<18 * pictures + 1>>>;
  CHECK(said([&] { make_own_teacher<Wide>(set, options_of(folder / "run")); }) ==
        "codebook: 217 codes for 216 patches; choose fewer codes, or give more pictures.");
}

TEST_CASE("own teacher: the features of a tower come from a file, whose shape is said") {
  const test::TemporaryFolder folder;
  const AnyDataset set = tiles(folder / "pictures");
  CHECK(
      said([&] { make_own_teacher<OfTower>(set, options_of(folder / "run")); }) ==
      "Student predicts the features of OpenClipH14, which arvit does not have; give --teacher, an "
      "npy file of [12, 257, 1024] in fp32: what it makes of these pictures at 224 x 224 pixels.");
  CHECK_FALSE(std::filesystem::exists(folder / "run"));
}

TEST_CASE(
    "own condition: a codebook for the share of codes, which a resumed run keeps; features come "
    "from elsewhere") {
  const test::TemporaryFolder folder;
  const AnyDataset set = tiles(folder / "pictures");
  RunOptions options = options_of(folder / "run");
  options.seed = 5;
  const std::string file = options.files.out + "/condition.safetensors";
  using Model = With<Labels<3>, Pooled<Codes<greys>>>;
  CHECK(make_own_condition<Model>(set, options) == file);
  CHECK(load_codebook(file).codes() == greys);
  CHECK(load_codebook(file).patch == 4);
  CHECK(said([&] { make_own_condition<Model>(set, options); }) ==
        "--out " + options.files.out + " already holds " + file +
            "; continue that run with --resume, or choose another folder.");
  options.files.resume = true;
  options.seed = 6;
  CHECK(make_own_condition<Model>(set, options) == file);
  CHECK(load_codebook(file).seed == 5);

  using Both = GVP<Small<Conditions<Pooled<Codes<2>>>>, Grouped<Random<3>>,
                   Target<Codes<3>>>;  // two codebooks, each of its own size
  options = options_of(folder / "both");
  CHECK(load_codebook(*make_own_teacher<Both>(set, options)).codes() == 3);
  CHECK(load_codebook(make_own_condition<Both>(set, options)).codes() == 2);

  CHECK(said([&] { make_own_condition<With<Pooled<Teacher>>>(set, options); }) ==
        "Student has the pooled features of ViT<2,8,2,Patch<4>,Image<12,12>> as a condition; give "
        "--condition, a checkpoint of it or an npy file of [12, 8].");
  CHECK(said([&] { make_own_condition<With<Pooled<VqganEncoder>>>(set, options); }) ==
        "Student has the pooled features of VqganEncoder as a condition; give --condition, an npy "
        "file of [12, 256].");
}

TEST_CASE(
    "own teacher: an encoder is pre-trained with the run's options, and the student learns from "
    "it") {
  const test::TemporaryFolder folder;
  const Quiet quiet;
  const AnyDataset set = tiles(folder / "pictures");
  RunOptions options = options_of(folder / "run");
  const auto made = make_own_teacher<Student>(set, options);
  REQUIRE(made.has_value());
  CHECK(*made == find_checkpoint(options.files.out + "/teacher"));
  const CheckpointInfo info = read_checkpoint_info(*made);
  CHECK(info.model == type_name<TeacherModel<Teacher>>());
  CHECK(info.model_name == "the teacher of Student");
  CHECK(info.data == describe(set));
  CHECK(info.step == 4);
  CHECK(info.options.find("\"lr\":0.01,") != std::string::npos);

  CHECK(said([&] {
          make_own_teacher<Student>(set, options);
        }).find("--out " + options.files.out + "/teacher already holds " + *made) == 0);
  RunOptions again = options;
  again.files.resume = true;
  const auto time = std::filesystem::last_write_time(*made);
  CHECK(make_own_teacher<Student>(set, again) == made);
  CHECK(std::filesystem::last_write_time(*made) == time);

  // What belongs to the student does not go to its teacher.
  RunOptions of_student = options;
  of_student.files.out = (folder / "other").string();
  of_student.teacher.cache = (folder / "cache").string();
  of_student.teacher.condition = "condition.safetensors";
  of_student.files.init = "student.safetensors";
  const auto beside = make_own_teacher<Student>(set, of_student);
  CHECK(beside == find_checkpoint(of_student.files.out + "/teacher"));
  CHECK_FALSE(std::filesystem::exists(of_student.teacher.cache));

  options.teacher.path = *made;
  options.schedule.epochs = 12;
  std::vector<double> losses;
  const TrainingResult result = test::train<Student>(
      set, options,
      {{nullptr, false}, [&](const StepRecord& record) { losses.push_back(record.loss); }});
  CHECK(result.complete);
  CHECK(result.checkpoint == find_checkpoint(options.files.out));
  CHECK(losses.back() < losses.front());
}

TEST_CASE("own teacher: none when a signal stops its run; resumed, it goes on") {
  const test::TemporaryFolder folder;
  const Quiet quiet;
  const AnyDataset set = tiles(folder / "pictures");
  RunOptions options = options_of(folder / "run");
  options.schedule.epochs = 1000;
  const Interrupting interrupting{set};
  CHECK_FALSE(make_own_teacher<Student>(interrupting, options).has_value());
  REQUIRE(interrupting.asked->load());
  const std::string stopped = find_checkpoint(options.files.out + "/teacher");
  CHECK(read_checkpoint_info(stopped).step < 2000);
  options.files.resume = true;
  CHECK_FALSE(make_own_teacher<Student>(Interrupting{set}, options).has_value());
  CHECK(read_checkpoint_info(find_checkpoint(options.files.out + "/teacher")).step >=
        read_checkpoint_info(stopped).step);
}
