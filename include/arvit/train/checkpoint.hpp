// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/core/type_name.hpp"
#include "arvit/train/frozen_teacher.hpp"
#include "arvit/train/step.hpp"
#include "arvit/train/stored_option.hpp"
#include "arvit/train/trainer_options.hpp"

/// Checkpoints: one safetensors file that holds all that a run needs to go on, and says what it is.
///   NAME                     parameters, under timm's names for the encoder
///   optimiser.STATE.NAME     the optimiser's states: of AdamW moment1 and moment2
///   average.NAME             the exponential moving average, when one is kept
/// and in the metadata: format, format_version, arvit (version), model (the type, spelled out),
/// model_name (its alias), parameters, step, epoch, steps_per_epoch, seed, pixel_mean,
/// pixel_deviation, data, given_by (FrozenTeacher::identity), optimiser (its name; AdamW where none
/// stands), options (JSON, all of them).
namespace arvit {

/// What a run has besides the options of its trainer.
struct RunInfo {
  std::string data = {};  ///< one line about the pictures
  std::array<float, 3> pixel_mean{0, 0, 0}, pixel_deviation{1, 1, 1};
  FrozenTeacher teacher = {};              ///< where the model reads more than pixels
  std::vector<StoredOption> options = {};  ///< all of them; none: those of the trainer alone
};

/// What the metadata of a checkpoint say.
struct CheckpointInfo {
  std::string model, model_name, data;
  std::int64_t parameters = 0, step = 0, steps_per_epoch = 1;
  std::uint64_t seed = 0;
  std::array<float, 3> pixel_mean{0, 0, 0}, pixel_deviation{1, 1, 1};
  std::string options;        ///< JSON object, name to value
  std::string given_by = {};  ///< FrozenTeacher::identity; "": not known
  std::string optimiser{AdamW::name};
  std::vector<StoredOption> compared = {};  ///< of a run that goes on: how its options are compared

  /// Of a run after `step` steps.
  static CheckpointInfo of_run(const RunInfo& run, const TrainerOptions& options, std::int64_t step,
                               std::int64_t steps_per_epoch);
  template <class Model>
  static CheckpointInfo of(const RunInfo& run, const TrainerOptions& options, std::int64_t step,
                           std::int64_t steps_per_epoch) {
    CheckpointInfo info = of_run(run, options, step, steps_per_epoch);
    info.model = type_name<Model>();
    info.parameters = Model::parameter_count;
    return info;
  }
};

class Safetensors;  // io/safetensors.hpp

/// What a checkpoint says of itself. FileError when it is none.
CheckpointInfo read_checkpoint_info(const Safetensors& file);
CheckpointInfo read_checkpoint_info(const std::string& path);

/// FileError unless the run that `file` is of goes on as `expected`: the model with these tensors,
/// every option that changes the result, and the number of steps in an epoch.
void check_continues(const Safetensors& file, std::span<const PlacedTensor> parameters,
                     const CheckpointInfo& expected);

/// Which parameters of a checkpoint to take.
enum class Take : char { parameters, average };

/// Parameters of a file that holds every tensor of the list, in the list's order. The file may hold
/// others besides.
std::vector<float> load_tensors(const std::string& path, std::span<const PlacedTensor> tensors,
                                Take take = Take::parameters);

/// The encoder of any pretrainer whose encoder has these names and shapes
/// (Encoder::parameters()), in the order of the list. Where the pretrainer had no final
/// norm of its encoder (D-iGPT) that norm is as it starts: weight 1, bias 0.
std::vector<float> load_encoder(const std::string& path, std::span<const PlacedTensor> encoder,
                                Take take = Take::parameters);
/// FileError where load_encoder() would find no such encoder; reads no numbers.
void check_encoder(const Safetensors& file, std::span<const PlacedTensor> encoder);
template <class Encoder>
std::vector<float> load_encoder(const std::string& path, Take take = Take::parameters) {
  return load_encoder(path, Encoder::parameters(), take);
}

namespace detail {

inline constexpr std::string_view checkpoint_format = "arvit checkpoint", checkpoint_version = "1";
inline constexpr std::string_view average_prefix = "average.";

std::array<float, 3> metadata_triple(const Safetensors& file, const std::string& name);
/// The members of a JSON object, each value as its text stands.
std::map<std::string, std::string> json_members(std::string_view object, const std::string& name);

/// A step as a file sees it: buffers in the order of the model's parameters, each under a prefix,
/// the parameters themselves first.
struct StepState {
  struct Part {
    std::string prefix;
    float* values;
  };
  std::vector<PlacedTensor> parameters;
  std::vector<Part> parts;
  std::function<std::span<const float>(const float* from, std::int64_t count)>
      download;  ///< valid until the next
  std::function<void(const float* from, float* to, std::int64_t count)> upload;
};
void write_state(const std::string& path, const StepState& state, const CheckpointInfo& info);
std::int64_t read_state(const std::string& path, const StepState& state,
                        const CheckpointInfo& expected);
void read_parameters(const std::string& path, const StepState& state);

template <class D, class O> StepState state_of(OptimisedParameters<D, O>& step) {
  using S = Statistic<D>;
  static_assert(
      std::same_as<S, float>,
      "checkpoint: checkpoints hold fp32; train with a device whose statistics are float.");
  const auto listed = step.tensors();
  StepState state{{listed.begin(), listed.end()}, {{"", step.masters().data()}}, {}, {}};
  for (std::size_t i = 0; i < O::states.size(); ++i)
    state.parts.push_back({text("optimiser.", O::states[i], "."), step.state(i).data()});
  if (!step.average().empty())
    state.parts.push_back({std::string(average_prefix), step.average().data()});
  state.download = [&device = step.device(), buffer = std::vector<S>()](
                       const S* from, std::int64_t count) mutable {
    if constexpr (std::same_as<SpaceOf<D>, HostSpace>) return std::span<const S>(from, count);
    // Tensors of a device with memory of its own pass one by one through a buffer of the largest.
    buffer.resize(count);
    device.download(Span<const S, SpaceOf<D>>(from, count), buffer.data());
    return std::span<const S>(buffer);
  };
  state.upload = [&device = step.device()](const S* from, S* to, std::int64_t count) {
    device.upload(from, Span<S, SpaceOf<D>>(to, count));
  };
  return state;
}

}  // namespace detail

/// Writes the whole state of a step, atomically.
template <class D, class O>
void save_checkpoint(const std::string& path, OptimisedParameters<D, O>& step,
                     CheckpointInfo info) {
  info.optimiser = O::name;
  detail::write_state(path, detail::state_of(step), info);
}

/// Continues a run: parameters, the optimiser's states and average as they were. Returns the number
/// of steps done. Everything is compared before anything is changed: the model, the optimiser,
/// every tensor's name and shape, the options that change the result, and the number of steps in an
/// epoch. Values are looked at as they are read: FileError where one is not finite, DamagedFile
/// where they are not those that were written, and the step is then to be loaded anew.
template <class D, class O>
std::int64_t load_checkpoint(const std::string& path, OptimisedParameters<D, O>& step,
                             CheckpointInfo expected) {
  expected.optimiser = O::name;
  const std::int64_t done = detail::read_state(path, detail::state_of(step), expected);
  step.refresh();
  return done;
}

/// Starts from the parameters of a file that holds every tensor of the model; the optimiser's
/// states stay zero, an average starts at the parameters.
template <class D, class O>
void load_parameters(const std::string& path, OptimisedParameters<D, O>& step) {
  detail::read_parameters(path, detail::state_of(step));
  step.refresh();
}

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/train/impl/checkpoint.ipp"
#endif
