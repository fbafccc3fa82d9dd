// SPDX-License-Identifier: BSL-1.0
#include "arvit/run/prepared_run.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "arvit/io/npy.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/run/pretrain.hpp"
#include "support/made_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;

namespace {
using Plain = test::SmallModel<>;
using TeacherEncoder = ViT<2, 8, 2, Patch<4>, Image<12>>;
template <class Target, class... O>
using Other = Pretrainer<ViT<2, 12, 3, Patch<4>, Image<12>, O...>, Decoder<TwoStream<>>,
                         OrderPolicy<Grouped<Random<3>>>, Target>;
using Student = Other<Target<Features<TeacherEncoder>>>;
using OnCodes = Other<Target<Codes<4>>>;
constexpr int pictures = 12;
using Maker = ModelNeeds::Maker;

RunOptions options_of(const std::filesystem::path& out) {
  RunOptions options;
  options.model = "Small";
  options.data = "stripes";
  options.files.out = out.string();
  options.schedule.epochs = 2;
  options.schedule.warmup = 0;
  options.schedule.lr = 0.01;
  options.batch.size = 6;
  return options;
}
template <class Model = Plain> PreparedRun prepared(const RunOptions& options) {
  return resolve(options, needs_of<Model>(), test::MadePictures{pictures, 12});
}
TrainingResult trained(const RunOptions& options) {
  return test::train<Plain>(test::MadePictures{pictures, 12}, options, {{nullptr, false}, {}});
}
/// What check() says, "" where nothing is refused.
template <class Model = Plain> std::string refusal(const RunOptions& options) {
  return test::message_of<Error>([&] { check(prepared<Model>(options)); });
}
}  // namespace

TEST_CASE("prepared run: what a run must know of its model") {
  const ModelNeeds plain = needs_of<Plain>();
  CHECK(plain.type == type_name<Plain>());
  CHECK(plain.parameter_count == Plain::parameter_count);
  CHECK(plain.parameters.size() == Plain::parameters().size());
  CHECK(plain.shape.height == 12);
  CHECK(plain.shape.patch == 4);
  CHECK(plain.target.maker == Maker::nobody);
  CHECK(plain.condition.maker == Maker::nobody);
  CHECK_FALSE(plain.reads_codebook());
  CHECK_FALSE(plain.orders_from_average);

  const ModelNeeds student = needs_of<Student>();
  CHECK(student.target.maker == Maker::encoder);
  CHECK(student.target.type == type_name<TeacherEncoder>());
  CHECK(student.target.width == 10 * 8);
  CHECK(student.target.token_width == 8);

  const ModelNeeds codes = needs_of<OnCodes>();
  CHECK(codes.target.maker == Maker::tokenizer);
  CHECK(codes.target.codes == 4);
  CHECK(codes.target.width == 9);
  CHECK(codes.target.token_width == 1);
  CHECK(codes.reads_codebook());

  using Both = Other<Target<Pixel>, Conditions<Labels<3>, Pooled<Codes<5>>>>;
  CHECK(needs_of<Both>().label_classes == 3);
  CHECK(needs_of<Both>().condition.maker == Maker::tokenizer);
  CHECK(needs_of<Both>().condition.width == 5);
  using Pools = Other<Target<Pixel>, Conditions<Pooled<VqganEncoder>>>;
  CHECK(needs_of<Pools>().condition.maker == Maker::tower);
  CHECK(needs_of<test::SmallModel<Semantic<FromAverage>>>().orders_from_average);
}

TEST_CASE("prepared run: defaults are filled in, and paths are looked at once") {
  const test::TemporaryFolder folder;
  RunOptions options = options_of(folder / "run");
  options.batch.size = 1600;
  CHECK(prepared(options).options.batch.micro == 160);  // of 9 patches: 177 at most
  options.batch.size = 6;
  options.batch.micro = 2;
  CHECK(prepared(options).options.batch.micro == 2);

  const std::string first = trained(options_of(folder / "first")).checkpoint;
  options.teacher.path = (folder / "first").string();
  const PreparedRun taught = prepared<Student>(options);
  CHECK(taught.teacher.is(Source::Kind::checkpoint));
  CHECK(taught.options.teacher.path == first);
  CHECK(prepared<Plain>(options).teacher.is(Source::Kind::none));  // which needs none

  options.files.init = options.teacher.path;
  CHECK(prepared(options).options.files.init == first);
  const std::string codebook = (folder / "codebook").string();
  save_codebook(codebook, Codebook{1, {0, 0, 0, 1, 1, 1}, "stripes", 0, 0});
  options.files.init = codebook;
  CHECK(test::message_of<OptionError>([&] { prepared(options); }) ==
        "--init " + codebook + " is a codebook; give a checkpoint, or the folder of a run.");
}

TEST_CASE("prepared run: sizes, kinds and places are refused before anything is made") {
  const test::TemporaryFolder folder;
  const auto out = folder / "run";
  RunOptions options = options_of(out);
  options.batch.size = 16;
  CHECK(refusal(options) ==
        "--batch 16: a batch of 16 pictures cannot be drawn from a data set of 12; choose a batch "
        "of at most 12, or give more pictures.");
  CHECK(refusal<test::SmallModel<Semantic<FromAverage>>>(options_of(out)) ==
        "--ema is 0, but the orders of Small come from an average of the encoder; give --ema "
        "0.999.");

  const std::string codebook = (folder / "codebook").string();
  save_codebook(codebook, Codebook{4, std::vector<float>(4 * 48), "stripes", 0, 0});
  options = options_of(out);
  options.teacher.path = codebook;
  CHECK(refusal<Student>(options) ==
        "--teacher " + codebook + " is a codebook, Small needs the features of " +
            type_name<TeacherEncoder>() + "; give a checkpoint of it.");
  CHECK(refusal<OnCodes>(options_of(out)).starts_with("Small works on the codes of a tokenizer"));

  options.teacher.cache = (folder / "no" / "cache").string();
  CHECK(refusal<OnCodes>(options) == options.teacher.cache + ": cannot be written, its folder " +
                                         (folder / "no").string() +
                                         " does not exist; create it first.");
  CHECK_FALSE(std::filesystem::exists(out));

  options.teacher.cache = (folder / "cache").string();
  CHECK(refusal<OnCodes>(options) == "");
  CHECK(std::filesystem::exists(out));
  CHECK_FALSE(std::filesystem::exists(options.teacher.cache));  // nothing is in it yet
  options.teacher.path.clear();
  CHECK(refusal(options) == "--teacher-cache " + options.teacher.cache +
                                " keeps what a teacher computes, and there is none; drop it.");
  const std::string numbers = (folder / "numbers").string();
  write_npy(numbers, xt::xarray<float>(xt::zeros<float>({pictures, 9})));
  options.teacher.path = numbers;
  options.pictures.whole_picture = true;
  CHECK(refusal<OnCodes>(options) == "--teacher-cache " + options.teacher.cache +
                                         " keeps what a teacher computes, and " + numbers +
                                         " computes nothing; drop it.");
  test::write_bytes(folder / "file", "x");
  CHECK(refusal(options_of(folder / "file" / "run")).find("the folder cannot be made") !=
        std::string::npos);
}

TEST_CASE("prepared run: a folder that holds a run is resumed as it was, or not at all") {
  const test::TemporaryFolder folder;
  RunOptions options = options_of(folder / "run");
  const std::string checkpoint = trained(options).checkpoint;
  CHECK(refusal(options) == "--out " + options.files.out + " already holds " + checkpoint +
                                "; continue that run with --resume, or choose another folder.");
  options.files.resume = true;
  CHECK(refusal(options) == "");
  options.machine.precision = PrecisionName::bf16;
  CHECK(refusal(options).find("(precision \"fp32\" there, \"bf16\" here)") != std::string::npos);
  options.machine.precision = PrecisionName::fp32;
  options.pictures.views = 2;
  CHECK(refusal(options).find("(views 0 there, 2 here)") != std::string::npos);
  CHECK(refusal<test::SmallModel<Raster>>(options).find("holds Small, this run trains Small") !=
        std::string::npos);
}

TEST_CASE("prepared run: a run that a signal stops says how it goes on") {
  const test::TemporaryFolder folder;
  std::ostringstream output;
  const TrainingResult result = test::train<Plain>(
      test::MadePictures{pictures, 12}, options_of(folder / "run"),
      {{&output, false}, [](const StepRecord&) { raise(SIGTERM); }});
  CHECK_FALSE(result.complete);
  CHECK(output.str().find(result.checkpoint + " is written.\n--resume continues it.\n") !=
        std::string::npos);
}
