// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "arvit/run/command_line.hpp"
#include "arvit/workbench/models.hpp"

namespace arvit::program {

/// The options with which a program that reads features opens its encoder.
struct EncoderOptions {
  std::string checkpoint = {}, model = {};
  int batch = 64;
  int threads = 0;
  ExtractorOptions how = {};

  void add_to(CommandLine& line) {
    line.add("checkpoint", checkpoint,
             "file that a trainer or convert wrote, or the folder of a run", "Options", true);
    line.add("model", model, "model in the checkpoint, where it does not say");
    line.add("codebook", how.codebook,
             "of an encoder that reads codes; empty: the one that the checkpoint names");
    line.add("condition", how.condition,
             "what makes the conditions of an encoder that has some: a checkpoint or a codebook; "
             "empty: what the checkpoint names");
    line.add("mask", how.mask,
             "none, or order: the attention mask of pre-training, an order for every picture");
    line.add("batch", batch, "pictures per pass");
    line.add("threads", threads, "threads; 0: all cores");
    line.offer("mask", {"none", "order"});
  }
};

/// The encoder of a checkpoint, with a description and without parameters yet.
struct OpenedEncoder {
  EncoderOptions options;
  EncoderInfo info;
  const EncoderModel& model;
  ModelDescription description;

  OpenedEncoder(std::span<const EncoderModel> models, const EncoderOptions& given)
      : options(given),
        info(EncoderInfo::of(Safetensors(find_checkpoint(given.checkpoint)), given.model)),
        model(find_model(models, info, given.model)),
        description(model.describe()) {}

  std::unique_ptr<FeatureSource<float>> extractor(Cpu<Fp32>& device, FeatureOptions what) const {
    what.batch = options.batch;
    return model.extractor(device, info, what, options.how);
  }
  std::unique_ptr<FeatureSource<float>> extractor(Cpu<Fp32>& device,
                                                  std::vector<Feature> features) const {
    return extractor(device, FeatureOptions{.features = std::move(features)});
  }
  std::vector<float> parameters() const { return load_encoder(info.path, description.encoder); }
};

}  // namespace arvit::program
