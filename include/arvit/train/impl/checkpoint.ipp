// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/train/checkpoint.hpp"

#include <charconv>
#include <map>
#include <utility>

#include "arvit/core/error.hpp"
#include "arvit/core/version.hpp"
#include "arvit/io/json_reader.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/io/safetensors.hpp"

namespace arvit {

ARVIT_DEFINITION std::string CheckpointInfo::options_json(const RunOptions& options) {
  JsonWriter json;
  json.begin_object();
  for_each_option(options, [&](const OptionInfo& option, const auto& value) {
    json.member(option.name, value);
  });
  return json.end_object().take();
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

/// What differs between a file and a list of tensors, as "blocks.0.attn.qkv.weight is [2304, 768]
/// in the file, [3072, 1024] in the model", or "".
ARVIT_DEFINITION std::string first_difference(const Safetensors& file, std::string_view prefix,
                                              std::span<const PlacedTensor> tensors) {
  for (const auto& [name, tensor, offset] : tensors) {
    const std::string full = std::string(prefix) + name;
    const StoredTensor* stored = file.find(full);
    if (stored == nullptr) return text(full, " is not in the file");
    if (stored->shape != stored_shape(tensor))
      return text(full, " is ", shape_text(stored->shape), " in the file, ",
                  shape_text(stored_shape(tensor)), " in the model");
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

/// The first option that changes the result and differs between the file's and the run's, in the
/// words of the command line, or "".
ARVIT_DEFINITION std::string option_difference(const Safetensors& file, const std::string& ours) {
  const auto before = json_members(metadata_at(file, "options"),
                                   file.path() + " (its metadata 'options')"),
             now = json_members(ours, "options");
  const auto defaults = json_members(CheckpointInfo::options_json(RunOptions{}),
                                     "options");  // of an option that came after the file
  std::string difference;
  for_each_option(RunOptions{}, [&](const OptionInfo& option, const auto&) {
    const std::string name(option.name);
    const auto found = before.find(name);
    const std::string& there = found == before.end() ? defaults.at(name) : found->second;
    if (difference.empty() && option.changes_result && there != now.at(name))
      difference = text("--", name, " ", there, " there, ", now.at(name), " here");
  });
  return difference;
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
  info.model = metadata_at(file, "model"), info.model_name = metadata_at(file, "model_name"),
  info.data = metadata_at(file, "data");
  info.parameters = metadata_number<std::int64_t>(file, "parameters"),
  info.step = metadata_number<std::int64_t>(file, "step");
  info.steps_per_epoch = metadata_number<std::int64_t>(file, "steps_per_epoch"),
  info.seed = metadata_number<std::uint64_t>(file, "seed");
  info.pixel_mean = metadata_triple(file, "pixel_mean"),
  info.pixel_deviation = metadata_triple(file, "pixel_deviation");
  info.options = metadata_at(file, "options");
  if (const auto given_by = file.metadata().find("given_by"); given_by != file.metadata().end())
    info.given_by = given_by->second;
  return info;
}
ARVIT_DEFINITION CheckpointInfo read_checkpoint_info(const std::string& path) {
  return read_checkpoint_info(Safetensors(path));
}

ARVIT_DEFINITION std::vector<float> load_tensors(const std::string& path,
                                                 std::span<const PlacedTensor> tensors, Take take) {
  const Safetensors file(path);
  const std::string prefix(take == Take::average ? detail::average_prefix : "");
  const std::string difference = detail::first_difference(file, prefix, tensors);
  if (!difference.empty()) {
    const auto holds = file.metadata().find("model_name");
    const bool missing = difference.ends_with("is not in the file");
    fail<FileError>(
        path, ": ", difference,
        holds == file.metadata().end() ? std::string() : text("; the file holds ", holds->second),
        !missing ? "; choose the model that the file holds."
        : take == Take::average
            ? "; give a checkpoint of a run with --ema, or take the parameters themselves."
            : "; give a checkpoint of the whole model, as a trainer writes it.");
  }
  std::vector<float> values(
      static_cast<std::size_t>(tensors.back().offset + tensors.back().tensor.size()));
  for (const auto& [name, tensor, offset] : tensors)
    file.read(prefix + name, detail::stored_shape(tensor), values.data() + offset);
  return values;
}

ARVIT_DEFINITION std::vector<float> load_encoder(const std::string& path,
                                                 std::span<const PlacedTensor> encoder, Take take) {
  const std::string prefix(take == Take::average ? detail::average_prefix : "");
  std::size_t body = encoder.size();
  while (body > 0 && encoder[body - 1].name.starts_with("norm.")) --body;
  {
    const Safetensors file(path);
    for (const PlacedTensor& tensor : encoder.subspan(body))
      if (file.find(prefix + tensor.name) != nullptr) body = encoder.size();
  }
  std::vector<float> values = load_tensors(path, encoder.first(body), take);
  for (const PlacedTensor& tensor : encoder.subspan(body))
    values.insert(values.end(), static_cast<std::size_t>(tensor.tensor.size()),
                  tensor.tensor.init.kind == Init::ones ? 1.f : 0.f);
  return values;
}

namespace detail {

ARVIT_DEFINITION void write_state(const std::string& path, const StepState& state,
                                  const CheckpointInfo& info) {
  std::vector<StoredTensor> tensors;
  std::vector<std::pair<const float*, std::int64_t>>
      places;  // where, elements: in the order of `tensors`
  for (const auto& [prefix, values] : state.parts)
    for (const auto& [name, tensor, offset] : state.parameters) {
      tensors.push_back({std::string(prefix) + name, StoredType::F32, stored_shape(tensor), {}});
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
      {"options", info.options}};
  write_safetensors(path, tensors, metadata, [&](const StoredTensor& tensor) {
    const auto& [from, count] = places[static_cast<std::size_t>(&tensor - tensors.data())];
    return std::as_bytes(state.download(from, count));
  });
}

ARVIT_DEFINITION void upload(const Safetensors& file, std::string_view prefix,
                             const StepState& state, float* to) {
  std::vector<float> values;
  for (const auto& [name, tensor, offset] : state.parameters) {
    values.resize(static_cast<std::size_t>(tensor.size()));
    file.read(std::string(prefix) + name, stored_shape(tensor), values.data());
    file.release(std::string(prefix) + name);
    state.upload(values.data(), to + offset, tensor.size());
  }
}

ARVIT_DEFINITION std::int64_t read_state(const std::string& path, const StepState& state,
                                         const CheckpointInfo& expected) {
  const Safetensors file(path);
  const CheckpointInfo info = read_checkpoint_info(file);
  const auto compare = [&](std::string_view prefix) {
    const std::string difference = first_difference(file, prefix, state.parameters);
    if (info.model != expected.model)
      fail<FileError>(path, ": holds ", info.model_name, ", this run trains ", expected.model_name,
                      difference.empty() ? "" : text(" (", difference, ")"), "; choose --model ",
                      info.model_name, " or another --out.");
    if (!difference.empty())
      fail<FileError>(path, ": ", difference, "; the file is no complete checkpoint of ",
                      expected.model_name, ", use another one.");
  };
  compare("");
  const std::string option = option_difference(
      file, expected.options);  // before the rest: without --ema there is no average, say
  if (!option.empty())
    fail<FileError>(path, ": was made with other options (", option,
                    "); repeat the options of that run, or start a new one from it with --init.");
  if (info.steps_per_epoch != expected.steps_per_epoch)
    fail<FileError>(path, ": its run has ", info.steps_per_epoch, " steps in an epoch, this one ",
                    expected.steps_per_epoch,
                    "; give the same pictures as then, or start a new run from it with --init.");
  if (info.pixel_mean != expected.pixel_mean || info.pixel_deviation != expected.pixel_deviation)
    fail<FileError>(path,
                    ": the colours of its run had another mean or deviation; give the same "
                    "pictures as then, or start a new run from it with --init.");
  if (!info.given_by.empty() && !expected.given_by.empty() && info.given_by != expected.given_by)
    fail<FileError>(path, ": its run had ", info.given_by, ", this one has ", expected.given_by,
                    "; give the same --teacher and --condition as then, or start a new run from it "
                    "with --init.");
  for (const auto& [prefix, values] : state.parts) compare(prefix);
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
