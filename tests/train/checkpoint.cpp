// SPDX-License-Identifier: BSL-1.0
#include "arvit/train/checkpoint.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <limits>
#include <sstream>

#include "arvit/device/reference.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/train/checkpoint_folder.hpp"
#include "arvit/train/optimiser/sgd.hpp"
#include "support/made_pictures.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using test::SmallModel;

namespace {

using Device = Reference<float>;
template <class Encoder>
using Wide = Pretrainer<Encoder, Decoder<Parallel<2>>, OrderPolicy<Stochastic>, Target<Pixel>>;
using OtherOrder = SmallModel<Raster>;  // the same tensors
using OtherWidth = Wide<ViT<2, 12, 2, Patch<4>, Image<12>>>;
using OtherDecoder = Pretrainer<ViT<2, 8, 2, Patch<4>, Image<12>>, Decoder<Causal>,
                                OrderPolicy<Raster>, Target<Pixel>>;  // the same encoder

using WithoutNorm = Pretrainer<ViT<2, 8, 2, Patch<4>, Image<12>>, Decoder<Twin<1, 32, ClassFirst>>,
                               OrderPolicy<Stochastic>, Target<Pixel>>;

TrainerOptions options_of(const std::string& model) {
  TrainerOptions options;
  options.model = model;
  options.schedule.lr = 0.01;
  return options;
}
const RunInfo info{"12 pictures", {0.5f, 0.25f, 0.125f}, {1, 2, 3}};

/// A step whose four buffers hold numbers of their own.
template <class Model> struct Filled {
  Device device;
  Step<Model, Device> step;
  explicit Filled(float first = 0, bool average = true)
      : step(device, {.micro_batch = 1, .average = average}) {
    for (auto* buffer : {&step.masters(), &step.state(0), &step.state(1), &step.average()})
      for (std::int64_t i = 0; i < buffer->size(); ++i) {
        buffer->data()[i] = first;
        first += first == 0 ? 0 : 0.25f;
      }
  }
};
template <class Model> std::vector<float> all_of(Step<Model, Device>& step) {
  std::vector<float> values;
  for (auto* buffer : {&step.masters(), &step.state(0), &step.state(1), &step.average()})
    values.insert(values.end(), buffer->data(), buffer->data() + buffer->size());
  return values;
}
template <class Model>
void save(const std::filesystem::path& path, const std::string& name = "Small", float first = 1,
          bool average = true) {
  Filled<Model> filled(first, average);
  save_checkpoint(path.string(), filled.step,
                  CheckpointInfo::of<Model>(info, options_of(name), 7, 3));
}
template <class Model>
std::string loading(const std::filesystem::path& path, const TrainerOptions& options,
                    std::int64_t steps_per_epoch = 3, const RunInfo& run = info) {
  Filled<Model> filled;
  const auto before = all_of(filled.step);
  const std::string message = test::message_of<FileError>([&] {
    load_checkpoint(path.string(), filled.step,
                    CheckpointInfo::of<Model>(run, options, 0, steps_per_epoch));
  });
  if (!message.empty()) CHECK(all_of(filled.step) == before);  // nothing is changed by a refusal
  return message;
}
bool says(const std::string& message, std::string_view part) {
  INFO(message);
  return message.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("checkpoint: all state and all information come back") {
  const test::TemporaryFolder folder;
  save<SmallModel<>>(folder / "a.safetensors");
  Filled<SmallModel<>> saved(1), loaded;
  TrainerOptions options = options_of("Small");
  CHECK(load_checkpoint((folder / "a.safetensors").string(), loaded.step,
                        CheckpointInfo::of<SmallModel<>>(info, options, 0, 3)) == 7);
  CHECK(all_of(loaded.step) == all_of(saved.step));

  const CheckpointInfo read = read_checkpoint_info((folder / "a.safetensors").string());
  CHECK(read.model ==
        "Pretrainer<ViT<2,8,2,Patch<4>,Image<12,12>>,Decoder<Parallel<2>>,OrderPolicy<Stochastic>,"
        "Target<Pixel>>");
  CHECK(read.model_name == "Small");
  CHECK(read.parameters == SmallModel<>::parameter_count);
  CHECK(read.step == 7);
  CHECK(read.steps_per_epoch == 3);
  CHECK(read.data == "12 pictures");
  CHECK(read.pixel_mean == info.pixel_mean);
  CHECK(read.pixel_deviation == info.pixel_deviation);
  for (const char* key : {"format", "format_version", "arvit", "epoch", "seed"})
    CHECK(Safetensors(folder / "a.safetensors").metadata().count(key) == 1);
  TrainerOptions::list(options, [&](const OptionInfo& option, const auto&) {
    CHECK(says(read.options, text("\"", option.name, "\":")));
  });
}

TEST_CASE("checkpoint: of another variant: both names, the first tensor that differs, what to do") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  save<SmallModel<>>(path, "SAIM_Nano");
  CHECK(loading<OtherOrder>(path, options_of("ViT_iGPT_Nano")) ==
        text(path.string(),
             ": holds SAIM_Nano, this run trains ViT_iGPT_Nano; choose the model "
             "SAIM_Nano, or another folder for this run."));
  CHECK(loading<OtherWidth>(path, options_of("SAIM_Wide")) ==
        text(path.string(),
             ": holds SAIM_Nano, this run trains SAIM_Wide (cls_token is [1, 1, 8] in the file, "
             "[1, 1, 12] in the model); choose the model SAIM_Nano, or another folder for "
             "this run."));
}

TEST_CASE("checkpoint: options that change the result must be equal, others may differ") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  save<SmallModel<>>(path);
  TrainerOptions options = options_of("Small");
  options.files.save_every = 5;
  options.batch.micro = 4;
  options.files.out = "elsewhere";
  options.files.keep = 9;
  CHECK(loading<SmallModel<>>(path, options) == "");
  options.batch.size = 128;
  CHECK(says(loading<SmallModel<>>(path, options),
             "(batch 256 there, 128 here); repeat the options of that run"));
  CHECK(says(loading<SmallModel<>>(path, options_of("Small"), 4),
             "has 3 steps in an epoch, this one 4"));
  CHECK(loading<SmallModel<>>(path, options_of("Small"), 3,
                              {"moved", info.pixel_mean, info.pixel_deviation}) == "");
  CHECK(says(loading<SmallModel<>>(path, options_of("Small"), 3,
                                   {"12 pictures", {0.5f, 0.25f, 0.5f}, info.pixel_deviation}),
             "the colours of its run had another mean or deviation"));
}

TEST_CASE("checkpoint: what gave numbers to a run is the same when it goes on") {
  const test::TemporaryFolder folder;
  RunInfo of = info;
  of.teacher.identity = "codebook of 4 codes";
  Filled<SmallModel<>> filled(1);
  const auto path = folder / "a.safetensors";
  save_checkpoint(path.string(), filled.step,
                  CheckpointInfo::of<SmallModel<>>(of, options_of("Small"), 7, 3));
  CHECK(read_checkpoint_info(path.string()).given_by == "codebook of 4 codes");
  CHECK(loading<SmallModel<>>(path, options_of("Small"), 3, of) == "");
  CHECK(loading<SmallModel<>>(path, options_of("Small")) ==
        "");  // numbers of a file say nothing of themselves
  of.teacher.identity = "codebook of 5 codes";
  CHECK(says(loading<SmallModel<>>(path, options_of("Small"), 3, of),
             "its run had codebook of 4 codes, this one has codebook of 5 codes; give the same "
             "teacher and condition as then"));
}

TEST_CASE("checkpoint: states stand under the optimiser's names, and another one is refused") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.safetensors", older = folder / "older.safetensors";
  using Model = SmallModel<>;
  const auto expected = CheckpointInfo::of<Model>(info, options_of("Small"), 7, 3);
  using D = Reference<float>;
  D device;
  Step<Model, D, SGD> written(device, {.micro_batch = 1}), read(device, {.micro_batch = 1});
  written.initialise(1);
  for (std::int64_t i = 0; i < written.state(0).size(); ++i)
    written.state(0).data()[i] = static_cast<float>(i);
  save_checkpoint(path.string(), written, expected);
  CHECK(read_checkpoint_info(path.string()).optimiser == "SGD");
  const Safetensors file(path);
  CHECK(file.find("optimiser.velocity.cls_token") != nullptr);
  CHECK(file.find("optimiser.moment1.cls_token") == nullptr);
  CHECK(load_checkpoint(path.string(), read, expected) == 7);
  CHECK(read.state(0).data()[5] == 5);
  CHECK(loading<Model>(path, options_of("Small")) ==
        text(path.string(),
             ": its run has the optimiser SGD, this one AdamW; use the same one, or "
             "start a new run from its parameters."));
  Step<Model, D, AdamW> begun(device, {.micro_batch = 1});
  load_parameters(path.string(), begun);
  CHECK(begun.masters().data()[3] == written.masters().data()[3]);

  // A file that says nothing is AdamW's.
  save<Model>(path);
  Metadata metadata = Safetensors(path).metadata();
  CHECK(metadata.erase("optimiser") == 1);
  const Safetensors whole(path);
  write_safetensors(
      older, std::vector<StoredTensor>(whole.tensors().begin(), whole.tensors().end()), metadata);
  CHECK(read_checkpoint_info(older.string()).optimiser == "AdamW");
  CHECK(loading<Model>(older, options_of("Small")) == "");
  CHECK(says(test::message_of<FileError>([&] { load_checkpoint(older.string(), read, expected); }),
             "its run has the optimiser AdamW, this one SGD"));
}

TEST_CASE("checkpoint: an option that came after the file has its default there") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.safetensors", older = folder / "older.safetensors";
  save<SmallModel<>>(path);
  {
    const Safetensors file(path);
    Metadata metadata = file.metadata();
    const auto at = metadata["options"].find("\"drop-path\":0,");
    REQUIRE(at != std::string::npos);
    metadata["options"].erase(at, 14);
    write_safetensors(
        older, std::vector<StoredTensor>(file.tensors().begin(), file.tensors().end()), metadata);
  }
  TrainerOptions options = options_of("Small");
  CHECK(loading<SmallModel<>>(older, options) == "");
  options.optimiser.drop_path = 0.5;
  CHECK(says(loading<SmallModel<>>(older, options),
             "(drop-path 0 there, 0.5 here); repeat the options of that run"));
}

TEST_CASE("checkpoint: what a run keeps of its options is up to the run") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  RunInfo run = info;
  run.options = {{"colour", "\"red\"", "\"grey\"", true}, {"where", "\"here\"", "\"\"", false}};
  Filled<SmallModel<>> filled(1);
  save_checkpoint(path.string(), filled.step,
                  CheckpointInfo::of<SmallModel<>>(run, options_of("Small"), 7, 3));
  CHECK(read_checkpoint_info(path.string()).options == "{\"colour\":\"red\",\"where\":\"here\"}");
  run.options[1].value = "\"there\"";
  CHECK(loading<SmallModel<>>(path, options_of("Small"), 3, run) == "");
  run.options[0].value = "\"blue\"";
  CHECK(says(loading<SmallModel<>>(path, options_of("Small"), 3, run),
             "(colour \"red\" there, \"blue\" here)"));
}

TEST_CASE("checkpoint: a file that lacks what a run needs") {
  const test::TemporaryFolder folder;
  save<SmallModel<>>(folder / "no-average.safetensors", "Small", 1, false);
  CHECK(says(loading<SmallModel<>>(folder / "no-average.safetensors", options_of("Small")),
             "average.cls_token is not in the file"));
  const std::vector<float> value{1};
  const std::vector<StoredTensor> tensors{stored_tensor("x", {1}, value.data())};
  write_safetensors(folder / "other.safetensors", tensors);
  CHECK(says(loading<SmallModel<>>(folder / "other.safetensors", options_of("Small")),
             "its metadata do not say 'format'"));
  Metadata metadata = Safetensors(folder / "no-average.safetensors").metadata();
  for (const auto& entry :
       std::vector<std::pair<std::string, std::string>>{{"step", "-3"},
                                                        {"step", "many"},
                                                        {"steps_per_epoch", ""},
                                                        {"pixel_mean", "[1, 2]"},
                                                        {"pixel_deviation", "[1, 2, \"x\"]"},
                                                        {"format_version", "2"},
                                                        {"format", "x"}}) {
    Metadata changed = metadata;
    changed[entry.first] = entry.second;
    write_safetensors(folder / "changed.safetensors", tensors, changed);
    CHECK_MESSAGE(says(loading<SmallModel<>>(folder / "changed.safetensors", options_of("Small")),
                       "changed.safetensors"),
                  entry.first);
  }
}

TEST_CASE("checkpoint: values that are not finite are refused, wherever they stand") {
  const test::TemporaryFolder folder;
  save<SmallModel<>>(folder / "a.safetensors");
  const Safetensors whole(folder / "a.safetensors");
  for (const char* name : {"cls_token", "optimiser.moment2.cls_token", "average.cls_token"}) {
    std::vector<StoredTensor> tensors(whole.tensors().begin(), whole.tensors().end());
    auto values = whole.values<float>(name);
    values.back() = std::numeric_limits<float>::quiet_NaN();
    for (StoredTensor& tensor : tensors)
      if (tensor.name == name) tensor = stored_tensor(name, tensor.shape, values.data());
    write_safetensors(folder / "b.safetensors", tensors, whole.metadata());
    Filled<SmallModel<>> filled;
    const auto expected = CheckpointInfo::of<SmallModel<>>(info, options_of("Small"), 0, 3);
    CHECK(says(test::message_of<FileError>([&] {
                 load_checkpoint((folder / "b.safetensors").string(), filled.step, expected);
               }),
               text("b.safetensors: ", name, " holds a value that is not finite; use another ")));
  }
}

TEST_CASE("checkpoint: cut at every sixteenth of its length") {
  const test::TemporaryFolder folder;
  save<SmallModel<>>(folder / "a.safetensors");
  std::ostringstream all;
  all << std::ifstream(folder / "a.safetensors", std::ios::binary).rdbuf();
  for (int part = 0; part < 16; ++part) {
    test::write_bytes(folder / "cut.safetensors",
                      all.str().substr(0, all.str().size() * static_cast<std::size_t>(part) / 16));
    CHECK_MESSAGE(says(loading<SmallModel<>>(folder / "cut.safetensors", options_of("Small")),
                       "cut.safetensors: "),
                  part);
  }
}

TEST_CASE("checkpoint: the encoder alone, from any pretrainer with an encoder of those shapes") {
  const test::TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  save<SmallModel<>>(path, "SAIM_Nano");
  using Encoder = SmallModel<>::Encoder;
  Filled<SmallModel<>> saved(1);
  const auto encoder = load_encoder<Encoder>(path.string());
  REQUIRE(encoder.size() == static_cast<std::size_t>(Encoder::parameter_count));
  CHECK(std::equal(encoder.begin(), encoder.end(), saved.step.masters().data()));
  const auto average = load_encoder<Encoder>(path.string(), Take::average);
  CHECK(std::equal(average.begin(), average.end(), saved.step.average().data()));
  CHECK(load_encoder<OtherDecoder::Encoder>(path.string()) == encoder);
  CHECK(says(test::message_of<FileError>([&] { load_encoder<OtherWidth::Encoder>(path.string()); }),
             "cls_token is [1, 1, 8] in the file, [1, 1, 12] in the model; the file holds "
             "SAIM_Nano; choose the model that the file holds."));
  save<SmallModel<>>(path, "SAIM_Nano", 1, false);
  CHECK(says(
      test::message_of<FileError>([&] { load_encoder<Encoder>(path.string(), Take::average); }),
      "give a checkpoint of a run that kept one"));
  // D-iGPT's encoder has no final norm: it is as a new one starts, and everything before it as it
  // was.
  save<WithoutNorm>(folder / "twin.safetensors");
  const auto without = load_encoder<Encoder>((folder / "twin.safetensors").string());
  REQUIRE(without.size() == encoder.size());
  CHECK(std::equal(without.begin(), without.end() - 16, encoder.begin()));
  CHECK(
      std::all_of(without.end() - 16, without.end() - 8, [](float weight) { return weight == 1; }));
  CHECK(std::all_of(without.end() - 8, without.end(), [](float bias) { return bias == 0; }));
  std::vector<PlacedTensor> more =
      SmallModel<>::parameters();  // what a file of the encoder alone lacks
  more.push_back(
      {"decoder.more", TensorSpec{{2}, {}, false}, more.back().offset + more.back().tensor.size()});
  CHECK(says(test::message_of<FileError>([&] { load_tensors(path.string(), more); }),
             "decoder.more is not in the file; the file holds SAIM_Nano; give a checkpoint of the "
             "whole model"));
}

TEST_CASE("checkpoint: a run's folder stands for its newest checkpoint") {
  const test::TemporaryFolder folder;
  CHECK(says(test::message_of<FileError>([&] { find_checkpoint((folder / "none").string()); }),
             "there is no such file"));
  CHECK(says(test::message_of<FileError>([&] { find_checkpoint(folder.path().string()); }),
             "holds no checkpoint-*.safetensors"));
  const CheckpointFolder run(folder.path().string());
  for (const std::int64_t step : {2, 900, 1000}) test::write_bytes(run.path(step), "x");
  test::write_bytes(folder / "checkpoint-000002000.safetensors.partial", "x");
  test::write_bytes(folder / "checkpoint-best.safetensors", "x");
  CHECK(find_checkpoint(folder.path().string()) == run.path(1000));
  CHECK(find_checkpoint(run.path(2)) == run.path(2));
}
