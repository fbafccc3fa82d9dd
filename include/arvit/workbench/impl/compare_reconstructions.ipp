// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/compare_reconstructions.hpp"

#include <filesystem>
#include <iostream>
#include <sstream>

#include "arvit/data/open_dataset.hpp"
#include "arvit/io/file.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/show/fill_in_table.hpp"

namespace arvit::program {

namespace detail {
struct CompareCommand {
  std::string data, checkpoints, codebook, out = "compare.png", split = "test";
  int images = 64;
  int shown = 8;
  int groups = 20;
  int threads = 0;
  double mask_ratio = 0.75;
  std::uint64_t seed = 0;
  Sampling sampling{.temperature = 0};
};

ARVIT_DEFINITION CompareCommand parse_compare(std::span<const FillingModel> models, int argc,
                                              char** argv) {
  CompareCommand command;
  CommandLine line(
      text("Fills in the same masked pictures with several models, and says how near "
           "they come.\n\nBegin with:  ",
           program_name(argv), " --checkpoints RUN,RUN --data PICTURES --out compare.png"));
  line.add("checkpoints", command.checkpoints,
           "files that trainers wrote, or folders of runs, separated by commas; all of one picture "
           "size and patch",
           "Options", true);
  line.add("data", command.data, help_of_pictures(), "Options", true);
  line.add("codebook", command.codebook,
           "of the models of codes; empty: the one that each checkpoint names");
  line.add("split", command.split, "part of the data: train or test");
  line.add("out", command.out, "PNG file to write; the table goes to the same name with .json");
  line.add("images", command.images, "pictures that are measured");
  line.add("shown", command.shown, "pictures that are drawn");
  line.add("mask-ratio", command.mask_ratio, "share of the patches that is masked");
  line.add("groups", command.groups,
           "groups in which GVP and SAIM predict them; 1: all in one pass");
  line.add("temperature", command.sampling.temperature,
           "with which codes are drawn; 0: the likeliest");
  line.add("top-k", command.sampling.top_k, "likeliest codes from which one is drawn; 0: all");
  line.add("seed", command.seed, "which pictures, masks and codes");
  line.add("threads", command.threads, "threads; 0: all cores");
  line.offer("split", {"train", "test"});
  line.models(infos_of(models));
  line.parse(argc, argv);
  if (command.images < 1 || command.images > 100000)
    fail<OptionError>("--images is ", command.images, "; choose 1 to 100000.");
  if (command.shown < 1 || command.shown > 256)
    fail<OptionError>("--shown is ", command.shown, "; choose 1 to 256.");
  if (std::filesystem::path(command.out).extension() == ".json")
    fail<OptionError>(
        "--out ", command.out,
        ": is the PNG file, beside which the table is written as JSON; give another name.");
  return command;
}
}  // namespace detail

ARVIT_DEFINITION void compare_reconstructions(std::span<const FillingModel> models, int argc,
                                              char** argv) {
  const detail::CompareCommand command = detail::parse_compare(models, argc, argv);
  Cpu<Fp32> device({command.threads, {}});
  const AnyDataset set = open_dataset(command.data, split_from(command.split));
  FillInTable table(command.mask_ratio, command.groups);
  int compared = 0;
  std::istringstream list(command.checkpoints);
  for (std::string path; std::getline(list, path, ',');) {
    const EncoderInfo info = EncoderInfo::of(Safetensors(find_checkpoint(path)));
    const FillingModel& model = find_model(models, info, {});
    if (model.has_conditions)
      fail<OptionError>(path, ": ", info.model_name,
                        " has conditions, which this program does not make; choose models "
                        "without.");
    if (model.fill == nullptr)
      fail<OptionError>(path, ": ", info.model_name,
                        " fills in no pictures; choose models that predict pixels, or codes group "
                        "by group.");
    const ModelDescription description = model.describe();
    const PictureBatch batch = draw_pictures(set, transform_of(description, info.normalisation),
                                             command.images, command.seed);
    compared = static_cast<int>(batch.counters.size());
    const std::vector<int> ranks = table.ranks(
        path, {3, description.height, description.width, description.patch}, batch.counters);
    Codebook words;
    if (model.codes > 0)
      words = load_codebook(codebook_of(Safetensors(info.path), command.codebook));
    const FillOptions options{
        .normalisation = info.normalisation, .codebook = &words, .sampling = command.sampling};
    const std::vector<float> parameters = load_tensors(info.path, description.tensors);
    const auto filled = model.fill({device, info, parameters, batch}, ranks, options);
    table.add(info.model_name, path, model.note(), batch.images, filled, info.normalisation);
  }
  write_png(command.out, table.picture(command.shown));
  write_atomically(std::filesystem::path(command.out).replace_extension(".json"), table.json());
  std::cout << table.text() << command.out << ": " << std::min(command.shown, compared) << " of "
            << compared << " pictures.\n";
}

}  // namespace arvit::program
