// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/trainer.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <algorithm>
#include <limits>
#include <sstream>

#include "arvit/device/cpu.hpp"
#include "arvit/train/optimiser/sgd.hpp"
#include "support/child_process.hpp"
#include "support/small_run.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using namespace arvit::test::small;
using arvit::test::in_child;
using arvit::test::SmallModel;

namespace {

/// A source whose `fatal`-th micro-batch holds a pixel that is no number.
template <class Loader> struct Poisoned {
  Loader& loader;
  int fatal;
  std::vector<float> images = {};
  LoadedBatch batch = {};
  const LoadedBatch* next() {
    batch = *loader.next();
    images.assign(batch.pixels.begin(), batch.pixels.end());
    if (--fatal == 0) images[100] = std::numeric_limits<float>::quiet_NaN();
    batch.pixels = images;
    return &batch;
  }
  void seek(LoaderPosition position) { loader.seek(position); }
  auto planned(std::uint32_t epoch, std::int64_t number) { return loader.planned(epoch, number); }
  std::int64_t batches_per_epoch() const { return loader.batches_per_epoch(); }
  double seconds_waited() const { return 0; }
  std::int64_t bytes() const { return 0; }
};

/// The gradients of the first step.
std::vector<float> first_gradients(const TrainerOptions& options, int loader_threads = 1) {
  Reference<float> device;
  auto loader = arvit::test::made_loader({}, options.batch.images_per_micro_batch(),
                                         options.batch.accumulation(), options.seed,
                                         loader_threads);
  Trainer<SmallModel<>, Reference<float>, decltype(loader)> trainer(device, loader, options, {},
                                                                    silent());
  trainer.train_step();
  const auto& gradients = trainer.step().gradients();
  return {gradients.data(), gradients.data() + gradients.size()};
}

}  // namespace

TEST_CASE("trainer: another optimiser trains, and goes on to the same bits") {
  const auto run = [](const std::filesystem::path& out, int steps, bool resume) {
    TrainerOptions options = small_options(out);
    options.files.resume = resume;
    Reference<float> device;
    auto loader = arvit::test::made_loader({}, options.batch.images_per_micro_batch(),
                                           options.batch.accumulation(), options.seed, 1);
    Trainer<SmallModel<>, Reference<float>, decltype(loader), SGD> trainer(device, loader, options,
                                                                           {}, silent());
    trainer.optimiser().nesterov = true;
    for (int step = 0; step < steps; ++step) trainer.train_step();
    CHECK(trainer.optimiser().weight_decay == options.optimiser.weight_decay);
    return tensors(trainer.save());
  };
  const test::TemporaryFolder whole, parts;
  const auto expected = run(whole.path(), 4, false);
  CHECK(expected.count("optimiser.velocity.cls_token") == 1);
  run(parts.path(), 2, false);
  CHECK(run(parts.path(), 2, true) == expected);
}

TEST_CASE("trainer: a run trains, saves and logs") {
  const test::TemporaryFolder folder;
  std::vector<StepRecord> records;
  TrainerHooks hooks = silent();
  hooks.after_step = [&](const StepRecord& record) { records.push_back(record); };
  TrainerOptions options = small_options(folder / "run");
  options.schedule.epochs = 20;
  const TrainingResult result = train(options, {}, hooks);
  CHECK(result.complete);
  CHECK(result.step == 60);
  REQUIRE(records.size() == 60);
  CHECK(records.back().epoch == 20);
  CHECK(records.back().loss < 0.9 * records.front().loss);
  CHECK(records.front().learning_rate == 0);  // the warm-up's first step
  CHECK(records[3].learning_rate == doctest::Approx(0.01));
  CHECK(logged_steps((folder / "run") / "log.csv").size() == 60);

  const CheckpointInfo info = read_checkpoint_info(result.checkpoint);
  CHECK(info.step == 60);
  CHECK(info.steps_per_epoch == 3);
  CHECK(info.model == type_name<SmallModel<>>());
  CHECK(info.parameters == SmallModel<>::parameter_count);
  CHECK(info.options.find("\"batch\":4,") != std::string::npos);
}

TEST_CASE("trainer: epochs need not be whole") {
  const test::TemporaryFolder folder;
  TrainerOptions options = small_options(folder / "one");
  options.schedule.epochs = 1;
  const std::int64_t steps = train(options).step;
  options.schedule.epochs = 1.5;
  options.files.out = (folder / "more").string();
  const TrainingResult more = train(options);
  CHECK(more.complete);
  CHECK(more.step == std::llround(1.5 * static_cast<double>(steps)));
  CHECK(more.step > steps);
  options.schedule.epochs = 1e-6;
  options.schedule.warmup = 0;
  options.files.out = (folder / "least").string();
  CHECK(train(options).step == 1);
  options.schedule.epochs = 0;
  CHECK_THROWS_WITH_AS(train(options), "epochs is 0; it must be a number above 0.", OptionError);
}

TEST_CASE("trainer: only the newest checkpoints are kept") {
  const test::TemporaryFolder folder;
  TrainerOptions options = small_options(folder / "run");
  options.files.keep = 2;
  train(options);
  CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{8, 9});
  options.files.resume = true;
  CHECK(train(options).step == 9);  // nothing is left to do
}

TEST_CASE("trainer: a loss that is not finite: the step, the tensor and the checkpoint are named") {
  const test::TemporaryFolder folder;
  const TrainerOptions options = small_options(folder / "run");
  Reference<float> device;
  auto loader = test::made_loader({}, 2, 2, options.seed);
  Poisoned<decltype(loader)> source{loader, 10};  // the second half of step 5
  Trainer<SmallModel<>, Reference<float>, decltype(source)> trainer(device, source, options, {},
                                                                    silent());
  const std::string message = test::message_of<NumericError>([&] { trainer.run(); });
  CHECK_MESSAGE(message.starts_with("step 5 (epoch 1.33): the gradient of cls_token is not finite"),
                message);
  CHECK_MESSAGE(message.find("checkpoint-000000004.safetensors") != std::string::npos, message);
  CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 4});
  const auto saved = tensors(CheckpointFolder(options.files.out).newest());
  for (const PlacedTensor& t : SmallModel<>::parameters()) {
    const float* now = trainer.step().masters().data() + t.offset;
    CHECK(std::equal(now, now + t.tensor.size(), saved.at(t.name).begin()));
  }
}

TEST_CASE("trainer: gradients depend on the seed, not on micro-batches or the loader's threads") {
  const test::TemporaryFolder folder;
  TrainerOptions options = small_options(folder / "a");
  options.batch.micro = 4;
  options.optimiser.drop_path = 0.3;
  const auto whole = first_gradients(options);
  CHECK(first_gradients(options, 3) == whole);
  float largest = 0;
  for (const float value : whole) largest = std::max(largest, std::abs(value));
  for (const int micro_batch : {1, 2}) {
    options.batch.micro = micro_batch;
    const auto parts = first_gradients(options);
    float difference = 0;
    for (std::size_t i = 0; i < whole.size(); ++i)
      difference = std::max(difference, std::abs(parts[i] - whole[i]));
    CHECK(difference <= 1e-6f * largest);
  }
  options.seed = 6;
  CHECK(first_gradients(options) != whole);
}

TEST_CASE(
    "trainer: recomputation plans less memory and trains to the same bits; without a micro-batch "
    "the whole batch is one") {
  const test::TemporaryFolder folder;
  const auto run = [&](const char* name, bool recompute) {
    TrainerOptions options = small_options(folder / name);
    options.batch.micro.reset();
    options.batch.recompute = recompute;
    Reference<float> device;
    auto loader = test::made_loader({}, options.batch.images_per_micro_batch(),
                                    options.batch.accumulation(), options.seed);
    Trainer<SmallModel<>, Reference<float>, decltype(loader)> trainer(device, loader, options, {},
                                                                      silent());
    const auto& lines = trainer.memory_plan().lines;
    const auto activations = std::ranges::find(lines, "activations of 4 images",
                                               &MemoryTable::Line::what);
    REQUIRE(activations != lines.end());
    trainer.run();
    return std::pair(activations->bytes, tensors(CheckpointFolder(options.files.out).newest()));
  };
  const auto kept = run("kept", false), recomputed = run("recomputed", true);
  CHECK(recomputed.first < kept.first);
  CHECK(recomputed.second == kept.second);
}

TEST_CASE("trainer: what cannot be started, one sentence each") {
  const test::TemporaryFolder folder;
  const auto message = [&]<class E>(E*, TrainerOptions options) {
    return test::message_of<E>([&] { train(options); });
  };
  const auto says = [](const std::string& message, std::string_view part) {
    INFO(message);
    return message.find(part) != std::string::npos;
  };
  OptionError* option = nullptr;
  FileError* file = nullptr;
  TrainerOptions options = small_options(folder / "run");
  options.batch.size = 16;
  CHECK(says(message(option, options),
             "a batch of 16 pictures cannot be drawn from a data set of 12"));
  options = small_options(folder / "run");
  train(options);
  CHECK(says(message(option, options), "resume that run, or choose another folder"));
  options.files.resume = true;
  options.schedule.lr = 0.02;
  CHECK(says(message(file, options), "was made with other options (lr 0.01 there, 0.02 here)"));
  options.schedule.lr = 0.01;
  options.batch.micro = 4;
  CHECK(message(file, options) == "");  // may change: the gradients are the same up to rounding
  CHECK(says(test::message_of<FileError>([&] { train<SmallModel<Raster>>(options); }),
             "holds Small, this run trains Small; choose"));
  test::write_bytes(folder / "file", "x");
  CHECK(says(message(file, small_options(folder / "file/run")), "cannot be made"));
  options = small_options(folder / "empty");
  options.files.resume = true;
  CHECK(train(options).complete);  // nothing to resume: it starts
  options = small_options(folder / "average");
  options.optimiser.ema = 0;
  CHECK(says(
      test::message_of<OptionError>([&] { train<SmallModel<Semantic<FromAverage>>>(options); }),
      "its orders come from an average of the encoder, and none is kept"));
}

TEST_CASE("trainer: it starts from the parameters of another run") {
  const test::TemporaryFolder folder;
  const std::string first = train(small_options(folder / "first")).checkpoint;
  TrainerOptions options = small_options(folder / "second");
  options.files.init = first;
  options.schedule.lr = 1e-12;
  options.schedule.warmup = 0;
  options.optimiser.weight_decay = 0;
  const auto before = tensors(first), after = tensors(train(options).checkpoint);
  for (const PlacedTensor& t : SmallModel<>::parameters())
    for (std::size_t i = 0; i < before.at(t.name).size(); ++i)
      CHECK(after.at(t.name)[i] == doctest::Approx(before.at(t.name)[i]).epsilon(1e-4));
}

TEST_CASE("trainer: the memory plan is true within 5 % and 64 MiB of what the process needed") {
  const test::TemporaryFolder folder;
  // A mid-size model: some 400 MiB, of which no part may be missing from the plan.
  using Middle = Pretrainer<ViT<2, 1024, 2, Patch<4>, Image<12>, MlpRatio<2>>, Decoder<Parallel<2>>,
                            OrderPolicy<Stochastic>, Target<Pixel>>;
  const auto measure = [&]<class Model, class D>(const std::filesystem::path& out) {
    TrainerOptions options = small_options(out);
    options.schedule.epochs = 1;
    options.schedule.warmup = 0;
    options.batch.size = 1;
    options.batch.micro = 1;
    options.files.save_every = 1;
    options.files.keep = 1;
    const int status = in_child([&] {
      D device;
      auto loader = test::made_loader({1, 12}, 1, 1, 1);
      Trainer<Model, D, decltype(loader)> trainer(device, loader, options, {}, silent());
      const auto plan = static_cast<double>(trainer.memory_plan().total());
      trainer.run();
      const auto peak = static_cast<double>(process_bytes("VmHWM"));
      std::ofstream(out / "memory") << plan << ' ' << peak;
    });
    REQUIRE(status == 0);
    double plan = 0, peak = 0;
    std::ifstream(out / "memory") >> plan >> peak;
    MESSAGE("plan ", plan / (1 << 20), " MiB, peak ", peak / (1 << 20), " MiB");
    CHECK(std::abs(plan - peak) < 0.05 * peak + (64 << 20));
    return plan;
  };
  measure.operator()<SmallModel<>, Reference<float>>(folder / "small");
  CHECK(measure.operator()<Middle, Reference<float>>(folder / "middle") > 200 << 20);
  CHECK(measure.operator()<Middle, Cpu<Fp32>>(folder / "cpu") > 200 << 20);
  CHECK(measure.operator()<Middle, Cpu<Bf16>>(folder / "bf16") > 200 << 20);
}
