// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "arvit/core/error.hpp"
#include "arvit/core/version.hpp"
#include "arvit/io/json_reader.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/io/safetensors.hpp"

namespace arvit {

ARVIT_DEFINITION CheckpointInfo CheckpointInfo::of_run(const RunInfo& run,
                                                       const TrainerOptions& options,
                                                       std::int64_t step,
                                                       std::int64_t steps_per_epoch) {
  CheckpointInfo info;
  info.model_name = options.model;
  info.data = run.data;
  info.step = step;
  info.steps_per_epoch = steps_per_epoch;
  info.seed = options.seed;
  info.pixel_mean = run.pixel_mean;
  info.pixel_deviation = run.pixel_deviation;
  info.given_by = run.teacher.identity;
  info.compared = run.options.empty() ? stored_options(options) : run.options;
  for (const StoredOption& option : info.compared)
    info.options += text(info.options.empty() ? "{" : ",", JsonWriter().value(option.name).text(),
                         ":", option.value);
  info.options += "}";
  return info;
}

namespace detail {

ARVIT_DEFINITION const std::string& metadata_at(const Safetensors& file, const std::string& name) {
  const auto found = file.metadata().find(name);
  if (found == file.metadata().end())
    fail<FileError>(
        file.path(), ": its metadata do not say '", name,
        "', so it is no checkpoint of a training run; give a file that a trainer wrote.");
  return found->second;
}
template <class Number> Number metadata_number(const Safetensors& file, const std::string& name) {
  const std::string& value = metadata_at(file, name);
  Number number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || std::cmp_less(number, 0))
    fail<FileError>(
        file.path(), ": its metadata '", name, "' is '", value,
        "', a number of at least 0 was expected; the file is damaged, use another checkpoint.");
  return number;
}
ARVIT_DEFINITION std::array<float, 3> metadata_triple(const Safetensors& file,
                                                      const std::string& name) {
  const std::string& value = metadata_at(file, name);
  std::array<float, 3> triple{};
  std::size_t count = 0;
  JsonReader json(value, text(file.path(), " (its metadata '", name, "')"));
  json.array([&] {
    const std::string_view number = json.raw();
    const bool good =
        count < 3 &&
        std::from_chars(number.data(), number.data() + number.size(), triple[count]).ptr ==
            number.data() + number.size();
    count += good ? 1 : 4;
  });
  if (count != 3)
    fail<FileError>(file.path(), ": its metadata '", name, "' is '", value,
                    "', three numbers were expected; the file is damaged, use another checkpoint.");
  return triple;
}

ARVIT_DEFINITION std::string_view prefix_of(Take take) {
  return take == Take::average ? average_prefix : std::string_view();
}

/// What differs between a file and a list of tensors, as "blocks.0.attn.qkv.weight is [2304, 768]
/// in the file, [3072, 1024] in the model", or "".
ARVIT_DEFINITION std::string first_difference(const Safetensors& file, std::string_view prefix,
                                              std::span<const PlacedTensor> tensors) {
  for (const auto& [name, tensor, offset] : tensors) {
    const std::string full = std::string(prefix) + name;
    const StoredTensor* stored = file.find(full);
    if (stored == nullptr) return text(full, " is not in the file");
    if (stored->shape != detail::stored_shape(tensor))
      return text(full, " is ", shape_text(stored->shape), " in the file, ",
                  shape_text(detail::stored_shape(tensor)), " in the model");
    if (stored->type != StoredType::F32)
      return text(full, " is ", name_of(stored->type), " in the file, F32 was expected");
  }
  return {};
}

ARVIT_DEFINITION std::map<std::string, std::string> json_members(std::string_view object,
                                                                 const std::string& name) {
  std::map<std::string, std::string> members;
  JsonReader json(object, name);
  json.object([&](const std::string& key) { members[key] = json.raw(); });
  json.end();
  return members;
}

/// The first option that changes the result and differs between the file's and the run's, or "".
ARVIT_DEFINITION std::string option_difference(const Safetensors& file,
                                               const std::vector<StoredOption>& ours) {
  const auto there = json_members(metadata_at(file, "options"),
                                  file.path() + " (its metadata 'options')");
  for (const StoredOption& option : ours) {
    const auto found = there.find(option.name);
    const std::string& value = found == there.end() ? option.if_not_there : found->second;
    if (option.changes_result && value != option.value)
      return text(option.name, " ", value, " there, ", option.value, " here");
  }
  return {};
}

}  // namespace detail

ARVIT_DEFINITION CheckpointInfo read_checkpoint_info(const Safetensors& file) {
  using detail::metadata_at, detail::metadata_number, detail::metadata_triple;
  if (metadata_at(file, "format") != detail::checkpoint_format)
    fail<FileError>(file.path(), ": its format is '", metadata_at(file, "format"), "', not '",
                    detail::checkpoint_format, "'; give a file that a trainer wrote.");
  if (metadata_at(file, "format_version") != detail::checkpoint_version)
    fail<FileError>(file.path(), ": its format version is ", metadata_at(file, "format_version"),
                    ", this program reads version ", detail::checkpoint_version,
                    "; use the arvit version that wrote it (", metadata_at(file, "arvit"), ").");
  CheckpointInfo info;
  info.model = metadata_at(file, "model");
  info.model_name = metadata_at(file, "model_name");
  info.data = metadata_at(file, "data");
  info.parameters = metadata_number<std::int64_t>(file, "parameters");
  info.step = metadata_number<std::int64_t>(file, "step");
  info.steps_per_epoch = metadata_number<std::int64_t>(file, "steps_per_epoch");
  info.seed = metadata_number<std::uint64_t>(file, "seed");
  info.pixel_mean = metadata_triple(file, "pixel_mean");
  info.pixel_deviation = metadata_triple(file, "pixel_deviation");
  info.options = metadata_at(file, "options");
  if (const auto given_by = file.metadata().find("given_by"); given_by != file.metadata().end())
    info.given_by = given_by->second;
  if (const auto optimiser = file.metadata().find("optimiser"); optimiser != file.metadata().end())
    info.optimiser = optimiser->second;
  return info;
}
ARVIT_DEFINITION CheckpointInfo read_checkpoint_info(const std::string& path) {
  return read_checkpoint_info(Safetensors(path));
}

namespace detail {

ARVIT_DEFINITION void check_tensors(const Safetensors& file, std::span<const PlacedTensor> tensors,
                                    Take take) {
  const std::string difference = first_difference(file, prefix_of(take), tensors);
  if (difference.empty()) return;
  const auto holds = file.metadata().find("model_name");
  const bool missing = difference.ends_with("is not in the file");
  fail<FileError>(
      file.path(), ": ", difference,
      holds == file.metadata().end() ? std::string() : text("; the file holds ", holds->second),
      !missing ? "; choose the model that the file holds."
      : take == Take::average
          ? "; give a checkpoint of a run that kept one, or take the parameters themselves."
          : "; give a checkpoint of the whole model, as a trainer writes it.");
}

ARVIT_DEFINITION std::vector<float> read_tensors(const Safetensors& file,
                                                 std::span<const PlacedTensor> tensors, Take take) {
  std::vector<float> values(tensors.back().offset + tensors.back().tensor.size());
  for (const auto& [name, tensor, offset] : tensors)
    file.read(std::string(prefix_of(take)) + name, detail::stored_shape(tensor),
              values.data() + offset);
  return values;
}

/// The encoder's tensors without its final norm, where the file has none of that.
ARVIT_DEFINITION std::span<const PlacedTensor> held_tensors(const Safetensors& file,
                                                            std::span<const PlacedTensor> encoder,
                                                            Take take) {
  std::size_t body = encoder.size();
  while (body > 0 && encoder[body - 1].name.starts_with("norm.")) --body;
  for (const PlacedTensor& tensor : encoder.subspan(body))
    if (file.find(std::string(prefix_of(take)) + tensor.name) != nullptr) return encoder;
  return encoder.first(body);
}

}  // namespace detail

ARVIT_DEFINITION std::vector<float> load_tensors(const std::string& path,
                                                 std::span<const PlacedTensor> tensors, Take take) {
  const Safetensors file(path);
  detail::check_tensors(file, tensors, take);
  return detail::read_tensors(file, tensors, take);
}

ARVIT_DEFINITION std::vector<float> load_encoder(const std::string& path,
                                                 std::span<const PlacedTensor> encoder, Take take) {
  const Safetensors file(path);
  const auto held = detail::held_tensors(file, encoder, take);
  detail::check_tensors(file, held, take);
  std::vector<float> values = detail::read_tensors(file, held, take);
  for (const PlacedTensor& tensor : encoder.subspan(held.size()))
    values.insert(values.end(), tensor.tensor.size(),
                  tensor.tensor.init.kind == Init::ones ? 1.f : 0.f);
  return values;
}

ARVIT_DEFINITION void check_encoder(const Safetensors& file,
                                    std::span<const PlacedTensor> encoder) {
  detail::check_tensors(file, detail::held_tensors(file, encoder, Take::parameters),
                        Take::parameters);
}

namespace detail {
ARVIT_DEFINITION void check_complete(const Safetensors& file, std::string_view prefix,
                                     std::span<const PlacedTensor> parameters,
                                     const std::string& model_name) {
  const std::string difference = first_difference(file, prefix, parameters);
  if (!difference.empty())
    fail<FileError>(file.path(), ": ", difference, "; the file is no complete checkpoint of ",
                    model_name, ", use another one.");
}
}  // namespace detail

// Options before the tensors beside the parameters: a run that kept no average has none, say.
ARVIT_DEFINITION void check_continues(const Safetensors& file,
                                      std::span<const PlacedTensor> parameters,
                                      const CheckpointInfo& expected) {
  const CheckpointInfo info = read_checkpoint_info(file);
  if (info.model != expected.model) {
    const std::string difference = detail::first_difference(file, "", parameters);
    fail<FileError>(file.path(), ": holds ", info.model_name, ", this run trains ",
                    expected.model_name, difference.empty() ? "" : text(" (", difference, ")"),
                    "; choose the model ", info.model_name, ", or another folder for this run.");
  }
  detail::check_complete(file, "", parameters, expected.model_name);
  if (info.optimiser != expected.optimiser)
    fail<FileError>(file.path(), ": its run has the optimiser ", info.optimiser, ", this one ",
                    expected.optimiser,
                    "; use the same one, or start a new run from its parameters.");
  const std::string option = detail::option_difference(file, expected.compared);
  if (!option.empty())
    fail<FileError>(file.path(), ": was made with other options (", option,
                    "); repeat the options of that run, or start a new one from its parameters.");
  if (info.steps_per_epoch != expected.steps_per_epoch)
    fail<FileError>(file.path(), ": its run has ", info.steps_per_epoch,
                    " steps in an epoch, this one ", expected.steps_per_epoch,
                    "; give the same pictures as then, or start a new run from its parameters.");
}

namespace detail {

ARVIT_DEFINITION void write_state(const std::string& path, const StepState& state,
                                  const CheckpointInfo& info) {
  std::vector<StoredTensor> tensors;
  // Where, elements: in the order of `tensors`.
  std::vector<std::pair<const float*, std::int64_t>> places;
  for (const auto& [prefix, values] : state.parts)
    for (const auto& [name, tensor, offset] : state.parameters) {
      tensors.push_back(
          {std::string(prefix) + name, StoredType::F32, detail::stored_shape(tensor), {}});
      places.emplace_back(values + offset, tensor.size());
    }
  const auto triple = [](const std::array<float, 3>& values) {
    return JsonWriter().value(values).take();
  };
  const Metadata metadata{
      {"format", std::string(checkpoint_format)},
      {"format_version", std::string(checkpoint_version)},
      {"arvit", text(ARVIT_VERSION_MAJOR, ".", ARVIT_VERSION_MINOR, ".", ARVIT_VERSION_PATCH)},
      {"model", info.model},
      {"model_name", info.model_name},
      {"parameters", text(info.parameters)},
      {"step", text(info.step)},
      {"steps_per_epoch", text(info.steps_per_epoch)},
      {"epoch", text(static_cast<double>(info.step) / static_cast<double>(info.steps_per_epoch))},
      {"seed", text(info.seed)},
      {"data", info.data},
      {"pixel_mean", triple(info.pixel_mean)},
      {"pixel_deviation", triple(info.pixel_deviation)},
      {"given_by", info.given_by},
      {"optimiser", info.optimiser},
      {"options", info.options}};
  write_safetensors(path, tensors, metadata, [&](const StoredTensor& tensor) {
    const auto& [from, count] = places[&tensor - tensors.data()];
    return std::as_bytes(state.download(from, count));
  });
}

ARVIT_DEFINITION void upload(const Safetensors& file, std::string_view prefix,
                             const StepState& state, float* to) {
  std::vector<float> values;
  for (const auto& [name, tensor, offset] : state.parameters) {
    values.resize(tensor.size());
    file.read(std::string(prefix) + name, detail::stored_shape(tensor), values.data());
    file.release(std::string(prefix) + name);
    if (!std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }))
      fail<FileError>(file.path(), ": ", prefix, name,
                      " holds a value that is not finite; use another checkpoint.");
    state.upload(values.data(), to + offset, tensor.size());
  }
}

ARVIT_DEFINITION std::int64_t read_state(const std::string& path, const StepState& state,
                                         const CheckpointInfo& expected) {
  const Safetensors file(path);
  check_continues(file, state.parameters, expected);
  const CheckpointInfo info = read_checkpoint_info(file);
  if (info.pixel_mean != expected.pixel_mean || info.pixel_deviation != expected.pixel_deviation)
    fail<FileError>(path,
                    ": the colours of its run had another mean or deviation; give the same "
                    "pictures as then, or start a new run from its parameters.");
  if (!info.given_by.empty() && !expected.given_by.empty() && info.given_by != expected.given_by)
    fail<FileError>(path, ": its run had ", info.given_by, ", this one has ", expected.given_by,
                    "; give the same teacher and condition as then, or start a new run from its "
                    "parameters.");
  for (const auto& [prefix, values] : state.parts)
    check_complete(file, prefix, state.parameters, expected.model_name);
  for (const auto& [prefix, values] : state.parts) upload(file, prefix, state, values);
  return info.step;
}

ARVIT_DEFINITION void read_parameters(const std::string& path, const StepState& state) {
  const Safetensors file(path);
  const std::string difference = first_difference(file, "", state.parameters);
  if (!difference.empty())
    fail<FileError>(path, ": ", difference, "; give a checkpoint of the same model.");
  for (const auto& [prefix, values] : state.parts)
    if (prefix.empty() || prefix == average_prefix) upload(file, "", state, values);
}

}  // namespace detail
}  // namespace arvit
