// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/fit_codebook.hpp"

#include <chrono>
#include <iostream>

#include "arvit/data/draw_pictures.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/image_quality.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/show/codebook_picture.hpp"
#include "arvit/teacher/fit_codebook.hpp"

namespace arvit::program {

ARVIT_DEFINITION void fit_codebook(int argc, char** argv) {
  std::string data, out = "codebook.safetensors", init, picture;
  CodebookOptions options;
  int size = 32;
  int images = 256;
  int threads = 0;
  CommandLine line(text(
      "Fits a codebook to the patches of a data set by k-means, and says how well "
      "pictures of its test split, or else of itself, look in codes.\n\n"
      "Begin with:  ",
      program_name(argv), " --data PICTURES --out codebook.safetensors --codes 512 --patch 1"));
  line.add("data", data, help_of_pictures(), "Options", true);
  line.add("out", out, "safetensors file to write");
  line.add("codes", options.codes, "number of centroids");
  line.add("patch", options.patch, "side of a patch in pixels; 1: colours");
  line.add("size", size, "height and width to which pictures are brought, a multiple of the patch");
  line.add("sample", options.sample,
           "most patches to hold; a set of more is read again and again in mini-batches");
  line.add("batch", options.batch, "patches of a mini-batch");
  line.add("iterations", options.iterations, "most moves of the centroids");
  line.add("init", init, "codebook to continue from");
  line.add("seed", options.seed, "seed of the start and of the patches that are drawn");
  line.add("images", images, "pictures that are replaced by their codes for the PSNR");
  line.add("picture", picture, "PNG file to write: the codebook, and pictures beside their codes'");
  line.add("threads", threads, "threads; 0: all cores");
  line.parse(argc, argv);
  if (images < 1 || images > 10000)
    fail<OptionError>("--images is ", images, "; choose 1 to 10000.");
  options.height = size;
  options.width = size;
  if (!init.empty()) options.init = load_codebook(init);

  const auto begin = std::chrono::steady_clock::now();
  const AnyDataset set = open_dataset(data);
  Cpu<Fp32> device({threads, {}});
  options.progress = [](const FitStep& step) {
    std::cerr << "iteration " << step.iteration << "  inertia " << step.inertia << "  changed "
              << step.changed << "\n";
  };
  const CodebookFit fit = arvit::fit_codebook(device, set, options);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  save_codebook(out, fit.codebook);

  const EvaluationTransform transform({.height = size, .width = size, .normalisation = {}});
  const PictureBatch shown = draw_pictures(
      has_test_split(data) ? open_dataset(data, Split::test) : set, transform, images,
      options.seed);
  const std::vector<float> coded = coded_pictures(device, fit.codebook, shown.images, size, size);
  if (!picture.empty())
    write_png(picture, codebook_picture(fit.codebook, shown.images, coded, size, size));
  JsonWriter json;
  json.begin_object()
      .member("codebook", out)
      .member("codes", options.codes)
      .member("patch", options.patch)
      .member("patches", fit.patches);
  json.member("complete", fit.complete)
      .member("converged", fit.converged)
      .member("iterations", fit.iterations)
      .member("reseeded", fit.reseeded);
  json.member("inertia", fit.codebook.inertia)
      .member("psnr", psnr(shown.images, coded))
      .member("seconds", seconds)
      .end_object();
  std::cout << json.text() << std::endl;
}

}  // namespace arvit::program
