// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/sample.hpp"

#include <chrono>
#include <iostream>

#include "arvit/data/open_dataset.hpp"
#include "arvit/run/command_line.hpp"

namespace arvit::program {

namespace detail {
struct SampleCommand {
  std::string data, checkpoint, codebook, out = "samples.png", split = "test";
  int count = 16;
  int groups = 20;
  int threads = 0;
  double keep = 0;
  std::uint64_t seed = 0;
  FillOptions options;
};

ARVIT_DEFINITION SampleCommand parse_sample(std::span<const FillingModel> models, int argc,
                                            char** argv) {
  SampleCommand command;
  CommandLine line(
      text("Draws pictures from a pre-trained model, or completes given ones.\n\nBegin "
           "with:  ",
           program_name(argv), " --checkpoint CHECKPOINT --out samples.png"));
  line.add("checkpoint", command.checkpoint, "file that a trainer wrote, or the folder of a run",
           "Options", true);
  line.add("keep", command.keep, "share of each picture, from above, that is given; 0: nothing");
  line.add("data", command.data, text(help_of_pictures(), "; they are completed"));
  line.add("split", command.split, "part of the data: train or test");
  line.add("codebook", command.codebook,
           "of a model of codes; empty: the one that the checkpoint names");
  line.add("temperature", command.options.sampling.temperature,
           "with which codes are drawn; 0: the likeliest");
  line.add("top-k", command.options.sampling.top_k,
           "likeliest codes from which one is drawn; 0: all");
  line.add("groups", command.groups,
           "groups in which GVP and SAIM predict patches; ViT-iGPT and iGPT predict one after "
           "another");
  line.add("count", command.count, "number of pictures");
  line.add("batch", command.options.batch, "pictures at once");
  line.add("seed", command.seed, "which pictures and codes");
  line.add("out", command.out, "PNG file to write");
  line.add("threads", command.threads, "threads; 0: all cores");
  line.offer("split", {"train", "test"});
  line.models(infos_of(models));
  line.parse(argc, argv);
  const int count = command.count;
  const double keep = command.keep;
  if (count < 1 || count > 4096) fail<OptionError>("--count is ", count, "; choose 1 to 4096.");
  if (command.options.batch < 1)
    fail<OptionError>("--batch is ", command.options.batch, "; it must be at least 1.");
  if (!(keep >= 0 && keep < 1))
    fail<OptionError>("--keep is ", keep, "; it must be 0 or more and below 1.");
  if (command.data.empty() != (keep == 0))
    fail<OptionError>(command.data.empty()
                          ? "--keep needs pictures to keep a part of; give --data."
                          : "--data is to be completed; give --keep, such as 0.5.");
  return command;
}

/// Throws OptionError where the model cannot do what was asked for.
ARVIT_DEFINITION void check_sampling(const FillingModel& model, const SampleCommand& command) {
  const std::string_view name = model.info.name;
  if (model.has_conditions)
    fail<OptionError>(command.checkpoint, ": ", name,
                      " has conditions, which this program does not make; choose a model without.");
  if (model.fill == nullptr || !model.by_groups)
    fail<OptionError>(command.checkpoint, ": ", name,
                      " predicts no pixels or codes one after another; choose a model with Causal, "
                      "TwoStream or Parallel decoder.");
  if (model.codes > 0) return;
  if (command.keep == 0 && model.standardises)
    fail<OptionError>(command.checkpoint, ": ", name,
                      " predicts standardised patches, which become pixels by the true patch "
                      "alone; give --data and --keep, or choose another model.");
  if (!command.codebook.empty())
    fail<OptionError>("--codebook ", command.codebook, ": ", name,
                      " predicts pixels; drop --codebook.");
  const Sampling& sampling = command.options.sampling;
  if (sampling.temperature != 1 || sampling.top_k != 0)
    fail<OptionError>("--temperature and --top-k are for models of codes, ", name,
                      " predicts pixels; drop them.");
}
}  // namespace detail

ARVIT_DEFINITION void sample(std::span<const FillingModel> models, int argc, char** argv) {
  const detail::SampleCommand command = detail::parse_sample(models, argc, argv);
  const EncoderInfo info = EncoderInfo::of(Safetensors(find_checkpoint(command.checkpoint)));
  const FillingModel& model = find_model(models, info, {});
  detail::check_sampling(model, command);
  FillOptions options = command.options;
  options.normalisation = info.normalisation;
  Codebook words;
  if (model.codes > 0) words = load_codebook(codebook_of(Safetensors(info.path), command.codebook));
  options.codebook = &words;

  const ModelDescription description = model.describe();
  PictureBatch batch;
  if (command.keep > 0)
    batch = draw_pictures(open_dataset(command.data, split_from(command.split)),
                          transform_of(description, info.normalisation), command.count,
                          command.seed);
  else
    for (int i = 0; i < command.count; ++i)
      batch.counters.push_back({command.seed, 0, static_cast<std::uint32_t>(i)});
  batch.images.resize(batch.counters.size() * 3 * description.height * description.width);
  std::vector<int> ranks;
  for (const Counter& counter : batch.counters)
    for (const int rank : completion_ranks(description.height / description.patch,
                                           description.width / description.patch, command.keep,
                                           command.groups, counter))
      ranks.push_back(rank);

  Cpu<Fp32> device({command.threads, {}});
  const std::vector<float> parameters = load_tensors(info.path, description.tensors);
  const auto begin = std::chrono::steady_clock::now();
  const auto filled = model.fill({device, info, parameters, batch}, ranks, options);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  write_png(command.out, model.samples(batch.images, filled, ranks, info.normalisation,
                                       command.keep > 0 ? model.note() : std::string()));
  std::cout << command.out << ": " << info.model_name << ", " << batch.counters.size()
            << " pictures, " << static_cast<double>(batch.counters.size()) / seconds
            << " images/s; " << model.note() << ".\n";
}

}  // namespace arvit::program
