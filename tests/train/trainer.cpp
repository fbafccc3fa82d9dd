// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/trainer.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <limits>
#include <map>
#include <sstream>
#include <thread>

#include "arvit/device/cpu.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/optimiser/sgd.hpp"
#include "support/made_pictures.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::MadePictures;
using arvit::test::SmallModel;

namespace {

TrainerOptions small_options(const std::filesystem::path& out) {
  TrainerOptions options;
  options.model = "Small";
  options.files.out = out.string();
  options.seed = 5;
  options.schedule.epochs = 3;
  options.batch.size = 4;
  options.batch.micro = 2;
  options.schedule.lr = 0.01;
  options.schedule.warmup = 1;
  options.optimiser.ema = 0.9;
  options.optimiser.drop_path = 0.2;
  options.files.save_every = 2;
  options.files.keep = 0;
  return options;
}
TrainerHooks silent() { return {{nullptr, false}, {}}; }

template <class Model = SmallModel<>, class D = Reference<float>>
TrainingResult train(const TrainerOptions& options, D device = {}, TrainerHooks hooks = silent()) {
  auto loader = arvit::test::made_loader({}, options.batch.images_per_micro_batch(),
                                         options.batch.accumulation(), options.seed, 1);
  Trainer<Model, D, decltype(loader)> trainer(device, loader, options, {}, std::move(hooks));
  return trainer.run();
}

/// Every tensor of a checkpoint, by name.
std::map<std::string, std::vector<float>> tensors(const std::string& path) {
  const Safetensors file(path);
  std::map<std::string, std::vector<float>> all;
  for (const StoredTensor& tensor : file.tensors())
    all[tensor.name] = file.values<float>(tensor.name);
  return all;
}
std::string contents(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream all;
  all << stream.rdbuf();
  return all.str();
}
/// The steps that a CSV log lists.
std::vector<std::int64_t> logged_steps(const std::filesystem::path& path) {
  std::istringstream lines(contents(path));
  std::vector<std::int64_t> steps;
  std::string line;
  for (std::getline(lines, line); std::getline(lines, line);) steps.push_back(std::stoll(line));
  return steps;
}

/// The steps that TensorBoard shows for a folder of event files: a START at step s (field 7) voids
/// what earlier files hold from s on.
std::vector<std::int64_t> shown_steps(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return std::filesystem::last_write_time(a) < std::filesystem::last_write_time(b);
  });
  std::vector<std::int64_t> steps;
  for (const auto& file : files) {
    const std::string all = contents(file);
    for (std::size_t at = 0; at + 16 <= all.size();) {
      std::uint64_t length;
      std::memcpy(&length, all.data() + at, 8);
      REQUIRE(at + 16 + length <= all.size());
      const std::string_view event(all.data() + at + 12, length);
      at += 16 + length;
      std::size_t next = 9;  // after the time
      std::int64_t step = 0;
      if (event[next] == 0x10)
        for (int shift = (++next, 0);; shift += 7) {
          const auto byte = static_cast<unsigned char>(event[next++]);
          step |= std::int64_t{byte & 127} << shift;
          if (byte < 128) break;
        }
      const int field = static_cast<unsigned char>(event[next]) >> 3;
      if (field == 7)
        steps.erase(
            std::remove_if(steps.begin(), steps.end(), [&](std::int64_t s) { return s >= step; }),
            steps.end());
      if (field == 5) steps.push_back(step);
    }
  }
  return steps;
}

/// Runs `work` in a child process and returns how it ended, as waitpid reports it.
template <class Work> int in_child(Work&& work) {
  const pid_t child = fork();
  if (child == 0) {
    try {
      work();
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}
bool killed(int status) { return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL; }

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

constexpr std::int64_t all_steps[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
const std::vector<std::int64_t> one_to_nine(std::begin(all_steps), std::end(all_steps));

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

TEST_CASE(
    "trainer: killed after any step and resumed, it ends with the bits of an uninterrupted run") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "whole")).checkpoint);
  for (std::int64_t fatal = 1; fatal <= 9; ++fatal) {
    CAPTURE(fatal);
    TrainerOptions options = small_options(folder / text("killed-", fatal));
    TrainerHooks hooks = silent();
    hooks.after_step = [&](const StepRecord& record) {
      if (record.step == fatal) raise(SIGKILL);
    };
    REQUIRE(killed(in_child([&] { train(options, {}, hooks); })));
    options.files.resume = true;
    const TrainingResult result = train(options);
    CHECK(result.complete);
    CHECK(tensors(result.checkpoint) == expected);
    CHECK(logged_steps(std::filesystem::path(options.files.out) / "log.csv") == one_to_nine);
    CHECK(shown_steps(std::filesystem::path(options.files.out) / "tensorboard") == one_to_nine);
    const std::string lines = contents(std::filesystem::path(options.files.out) / "log.jsonl");
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 9);
    CHECK(lines.find("\n{\"step\":9,\"epoch\":3,\"loss\":") != std::string::npos);
  }
}

TEST_CASE(
    "trainer: killed in the middle of writing a checkpoint and resumed, it ends with the same "
    "bits") {
  const test::TemporaryFolder folder;
  const std::string whole = train(small_options(folder / "whole")).checkpoint;
  const auto size = std::filesystem::file_size(whole);
  for (const auto limit : {size / 100, size / 3, size - 1}) {
    CAPTURE(limit);
    TrainerOptions options = small_options(folder / text("cut-", limit));
    TrainerHooks hooks = silent();
    hooks.after_step = [&](const StepRecord& record) {
      const struct rlimit most { limit, limit };
      if (record.step == 6)
        setrlimit(RLIMIT_FSIZE, &most);  // SIGXFSZ ends the process at the byte beyond
    };
    const int status = in_child([&] { train(options, {}, hooks); });
    REQUIRE(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGXFSZ);
    CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 4});
    options.files.resume = true;
    const TrainingResult result = train(options);
    CHECK(tensors(result.checkpoint) == tensors(whole));
    CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 4, 6, 8, 9});
    for (const auto& entry : std::filesystem::directory_iterator(options.files.out))
      CHECK(entry.path().extension() != ".partial");
  }
}

TEST_CASE("trainer: a full disk ends the run with one sentence; the checkpoints before it stay") {
  const test::TemporaryFolder folder;
  const TrainerOptions options = small_options(folder / "run");
  const int status = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);  // writes then fail, as on a full disk
    TrainerHooks hooks = silent();
    hooks.after_step = [&](const StepRecord& record) {
      const struct rlimit most { 5000, 5000 };
      if (record.step == 6) setrlimit(RLIMIT_FSIZE, &most);
    };
    const std::string message = test::message_of<FileError>([&] { train(options, {}, hooks); });
    _exit(message.find("checkpoint-000000006.safetensors: cannot be written") != std::string::npos
              ? 7
              : 8);
  });
  CHECK(WEXITSTATUS(status) == 7);
  CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 4});
  CHECK_NOTHROW(read_checkpoint_info(CheckpointFolder(options.files.out).newest()));
}

TEST_CASE("trainer: a damaged checkpoint is named, and the newest whole one is resumed") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "whole")).checkpoint);
  TrainerOptions options = small_options(folder / "run");
  TrainerHooks hooks = silent();
  hooks.after_step = [](const StepRecord& record) {
    if (record.step == 7) raise(SIGTERM);
  };
  const std::string newest = train(options, {}, hooks).checkpoint;
  const auto flip = [](const std::string& path, std::int64_t from_end) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(-from_end, std::ios::end);
    const int byte = file.get();
    file.seekp(-from_end, std::ios::end);
    file.put(static_cast<char>(byte ^ 4));
  };
  flip(newest, 4000);
  options.files.resume = true;
  std::ostringstream said;
  const TrainingResult result = train(options, {}, {{&said, false}, {}});
  CHECK(said.str().find(newest + ": the values of ") != std::string::npos);
  CHECK(said.str().find("are no longer what was written (checksum); use another copy or "
                        "checkpoint. The one before it is taken.") != std::string::npos);
  CHECK(said.str().find("resumed " + CheckpointFolder(options.files.out).path(6)) !=
        std::string::npos);
  CHECK(tensors(result.checkpoint) == expected);
  CHECK(logged_steps(folder / "run/log.csv") == logged_steps(folder / "whole/log.csv"));

  // Cut, empty, or no file of the kind at all.
  const std::vector<std::int64_t> steps = CheckpointFolder(options.files.out).steps();
  REQUIRE(steps.size() == 6);
  const auto path_of = [&](std::size_t i) {
    return CheckpointFolder(options.files.out).path(steps[i]);
  };
  std::filesystem::resize_file(path_of(5), 5000);
  std::filesystem::resize_file(path_of(4), 0);
  test::write_bytes(path_of(3), std::string_view("PK\3\4 and so on"));
  said.str("");
  CHECK(tensors(train(options, {}, {{&said, false}, {}}).checkpoint) == expected);
  CHECK(said.str().find("resumed " + path_of(2)) != std::string::npos);

  for (const std::int64_t step : steps) flip(CheckpointFolder(options.files.out).path(step), 4001);
  CHECK_THROWS_AS(train(options), DamagedFile);
}

TEST_CASE("trainer: a log that lost lines is said to lack them") {
  const test::TemporaryFolder folder;
  for (const auto& [lines, gap] :
       {std::pair{7, ""}, {4, "lacks the steps from 4 to 6"}, {0, "lacks the steps from 1 to 6"}}) {
    TrainerOptions options = small_options(folder / std::to_string(lines));
    TrainerHooks hooks = silent();
    hooks.after_step = [](const StepRecord& record) {
      if (record.step == 6) raise(SIGTERM);
    };
    train(options, {}, hooks);
    const std::string log = options.files.out + "/log.csv", whole = contents(log);
    std::size_t end = 0;
    for (int line = 0; line < lines; ++line) end = whole.find('\n', end) + 1;
    std::filesystem::resize_file(log, end);
    options.files.resume = true;
    std::ostringstream said;
    train(options, {}, {{&said, false}, {}});
    const bool complains = said.str().find("log.csv: lacks") != std::string::npos;
    CHECK(complains == (*gap != 0));
    CHECK(said.str().find(gap) != std::string::npos);
  }
}

TEST_CASE("trainer: a run has its folder alone, and a second one takes nothing from it") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "alone")).checkpoint);
  const TrainerOptions options = small_options(folder / "shared");
  std::string refused;
  TrainerHooks hooks = silent();
  hooks.after_step = [&](const StepRecord& record) {
    if (record.step != 3) return;
    for (const bool resume : {false, true}) {
      TrainerOptions second = options;
      second.files.resume = resume;
      refused = test::message_of<FileError>([&] { train(second, {}, silent()); });
      CHECK(refused.find("writes there; wait until it has ended") != std::string::npos);
    }
  };
  const TrainingResult result = train(options, {}, hooks);
  CHECK(result.complete);
  CHECK(!refused.empty());
  CHECK(tensors(result.checkpoint) == expected);
}

TEST_CASE("trainer: every signal that ends programs stops after the step and saves") {
  const test::TemporaryFolder folder;
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXCPU}) {
    TrainerHooks hooks = silent();
    hooks.after_step = [&](const StepRecord& record) {
      if (record.step == 3) raise(number);
    };
    const TrainingResult stopped = train(small_options(folder / std::to_string(number)), {}, hooks);
    CHECK_FALSE(stopped.complete);
    CHECK(stopped.checkpoint.find("checkpoint-000000003") != std::string::npos);
  }
}

TEST_CASE(
    "trainer: SIGTERM stops after the step and saves; another one a second later ends the "
    "process") {
  const test::TemporaryFolder folder;
  const auto expected = tensors(train(small_options(folder / "whole")).checkpoint);
  TrainerOptions options = small_options(folder / "stopped");
  TrainerHooks hooks = silent();
  hooks.after_step = [](const StepRecord& record) {
    if (record.step == 3) raise(SIGTERM);
  };
  const TrainingResult stopped = train(options, {}, hooks);
  CHECK_FALSE(stopped.complete);
  CHECK(stopped.step == 3);
  CHECK(CheckpointFolder(options.files.out).steps() == std::vector<std::int64_t>{2, 3});
  options.files.resume = true;
  CHECK(tensors(train(options).checkpoint) == expected);

  // As timeout(1) does: to the process and to its group.
  hooks.after_step = [](const StepRecord& record) {
    if (record.step != 3) return;
    raise(SIGTERM);
    raise(SIGTERM);
  };
  CHECK(train(small_options(folder / "twice"), {}, hooks).step == 3);
  hooks.after_step = [](const StepRecord&) {
    raise(SIGINT);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    raise(SIGINT);
  };
  const int status = in_child([&] { train(small_options(folder / "impatient"), {}, hooks); });
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
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
