// SPDX-License-Identifier: BSL-1.0
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "arithmetic/bits.hpp"
#include "arvit/run/pretrain.hpp"
#include "support/made_pictures.hpp"
#include "support/temporary_folder.hpp"

/// Runs that commit 4e7e690 left half-way, in tests/arithmetic/checkpoints: continued by the
/// present code they must end with the numbers that 4e7e690 ended with. ARVIT_WRITE_BITS=FILE makes
/// the checkpoints anew and appends the lines of the present code to FILE.
namespace arvit::test {
namespace {

using Plain = SmallModel<>;
using OfCodes = GVP<ViT<2, 12, 3, Patch<4>, Image<12>, Embedding<Codes<4>>, Conditions<Labels<3>>>,
                    Grouped<Mixed<3>>, Target<Codes<4>>>;
using Taught = SemAIM<ViT<2, 12, 3, Patch<4>, Image<12>>, Parallel<1>, Semantic<FromTeacher>,
                      Target<Features<Plain::Encoder>>>;
const std::filesystem::path stored = std::filesystem::path(ARVIT_SOURCE_DIR) /
                                     "tests/arithmetic/checkpoints";

/// Six epochs of two steps; the state after step 6 is stored. Paths are relative: a run that is
/// resumed has the same.
RunOptions options_of(const std::string& name) {
  RunOptions options;
  options.model = name;
  options.data = "stripes";
  options.files.out = name;
  options.schedule.epochs = 6;
  options.schedule.warmup = 1;
  options.batch.size = 6;
  options.batch.micro = 3;
  options.schedule.lr = 0.01;
  options.pictures.normalise = Normalise::measured;
  options.optimiser.drop_path = 0.1;
  options.machine.threads = 1;
  options.files.save_every = 6;
  options.files.keep = 0;
  return options;
}

/// The words of bits.txt for the end of a run: its loss, and all that its last checkpoint holds
/// beside the metadata.
std::string end_of(const TrainingResult& result) {
  CHECK(result.complete);
  CHECK(result.step == 12);
  const std::uint64_t loss = chained(0, &result.loss, 1);
  const Safetensors file(result.checkpoint);
  std::uint64_t numbers = 0;
  for (const StoredTensor& tensor : file.tensors()) {
    numbers = chained(numbers, tensor.name.data(), static_cast<std::int64_t>(tensor.name.size()));
    const auto values = file.values<float>(tensor.name);
    numbers = chained(numbers, values.data(), static_cast<std::int64_t>(values.size()));
  }
  return digits_of(loss) + " " + digits_of(numbers) + " -";
}

template <class Model> void check_resumed(const std::string& name, RunOptions options) {
  CAPTURE(name);
  const char* const write = std::getenv("ARVIT_WRITE_BITS");
  std::filesystem::create_directories(options.files.out);
  if (write == nullptr) {
    std::filesystem::copy_file(stored / (name + ".safetensors"),
                               options.files.out + "/checkpoint-000000006.safetensors");
    options.files.resume = true;
  }
  const TrainingResult result = pretrain<Model>(MadePictures{12, 12}, options,
                                                {{nullptr, false}, {}});
  const std::string bits = end_of(result);
  if (write != nullptr) {
    std::ofstream(write, std::ios::app) << name << " resumed baseline " << bits << "\n";
    std::filesystem::copy_file(options.files.out + "/checkpoint-000000006.safetensors",
                               stored / (name + ".safetensors"),
                               std::filesystem::copy_options::overwrite_existing);
  }
  CHECK(expected_bits()[name + " resumed baseline"] == bits);
}

/// The working directory and ARVIT_ISA, as they were when this is gone.
struct Surroundings {
  std::filesystem::path folder = std::filesystem::current_path();
  std::string isa = std::getenv("ARVIT_ISA") != nullptr ? std::getenv("ARVIT_ISA") : "";
  explicit Surroundings(const std::filesystem::path& here) {
    std::filesystem::current_path(here);
    setenv("ARVIT_ISA", "baseline", 1);
  }
  ~Surroundings() {
    std::filesystem::current_path(folder);
    setenv("ARVIT_ISA", isa.c_str(), 1);
  }
};

}  // namespace

TEST_CASE("arithmetic: runs of an earlier arvit are resumed to the same bits") {
  const TemporaryFolder folder;
  const Surroundings surroundings(folder.path());

  RunOptions plain = options_of("plain");
  plain.optimiser.ema = 0.9;
  plain.optimiser.ema_end = 0.99;
  plain.optimiser.ema_ramp = 3;
  check_resumed<Plain>("plain", plain);

  Codebook codebook{4, std::vector<float>(4 * 48), "stripes", 0, 0, {}, 0, 0};
  for (std::size_t i = 0; i < codebook.centroids.size(); ++i)
    codebook.centroids[i] = static_cast<float>(hashed("codebook", i));
  save_codebook("codebook.safetensors", codebook);
  RunOptions of_codes = options_of("of_codes");
  of_codes.machine.precision = PrecisionName::bf16;
  of_codes.teacher.path = "codebook.safetensors";
  check_resumed<OfCodes>("of_codes", of_codes);

  std::filesystem::copy_file(stored / "plain.safetensors", "teacher.safetensors");
  RunOptions taught = options_of("taught");
  taught.teacher.path = "teacher.safetensors";
  taught.batch.recompute = true;
  check_resumed<Taught>("taught", taught);
}

}  // namespace arvit::test
