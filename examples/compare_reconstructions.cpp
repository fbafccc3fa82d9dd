// SPDX-License-Identifier: BSL-1.0
// The same masked pictures filled in by several models: MAE in one pass, GVP and SAIM group by
// group, ViT-iGPT patch by patch. A PNG of pictures side by side, a table of PSNR and SSIM, and the
// table as JSON.
//
//   compare_reconstructions --checkpoints out/mae,out/saim,out/gvp --data pictures --out compare.png
#include <filesystem>
#include <sstream>

#include "arvit/data/draw_pictures.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/io/file.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/show/fill_in.hpp"
#include "arvit/show/fill_in_table.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data, checkpoints, codebook, out = "compare.png", split = "test";
    int images = 64, shown = 8, groups = 20, threads = 0, compared = 0;
    double mask_ratio = 0.75;
    std::uint64_t seed = 0;
    Sampling sampling{.temperature = 0};
    CommandLine line(
        "Fills in the same masked pictures with several models, and says how near they come.\n\n"
        "Begin with:  compare_reconstructions --checkpoints RUN,RUN --data PICTURES --out "
        "compare.png");
    line.add("checkpoints", checkpoints,
             "files that trainers wrote, or folders of runs, separated by commas; all of one "
             "picture size and patch",
             "Options", true);
    line.add("data", data,
             "pictures: a folder of JPEG and PNG files, or of Fashion-MNIST or CIFAR files",
             "Options", true);
    line.add("codebook", codebook,
             "of the models of codes; empty: the one that each checkpoint names");
    line.add("split", split, "part of the data: train or test");
    line.add("out", out, "PNG file to write; the table goes to the same name with .json");
    line.add("images", images, "pictures that are measured");
    line.add("shown", shown, "pictures that are drawn");
    line.add("mask-ratio", mask_ratio, "share of the patches that is masked");
    line.add("groups", groups, "groups in which GVP and SAIM predict them; 1: all in one pass");
    line.add("temperature", sampling.temperature, "with which codes are drawn; 0: the likeliest");
    line.add("top-k", sampling.top_k, "likeliest codes from which one is drawn; 0: all");
    line.add("seed", seed, "which pictures, masks and codes");
    line.add("threads", threads, "threads; 0: all cores");
    line.parse(argc, argv);
    if (images < 1 || images > 100000)
      fail<OptionError>("--images is ", images, "; choose 1 to 100000.");
    if (shown < 1 || shown > 256) fail<OptionError>("--shown is ", shown, "; choose 1 to 256.");
    if (std::filesystem::path(out).extension() == ".json")
      fail<OptionError>(
          "--out ", out,
          ": is the PNG file, beside which the table is written as JSON; give another name.");

    Cpu<Fp32> device({threads, {}});
    const auto set = open_dataset(data, split_from(split));
    FillInTable table(mask_ratio, groups);
    std::istringstream list(checkpoints);
    for (std::string path; std::getline(list, path, ',');) {
      const EncoderInfo info = EncoderInfo::of(Safetensors(find_checkpoint(path)));
      select_model(info.model_name, PretrainedModels{}, [&]<class Model>() {
        if constexpr (Model::Encoder::condition_width > 0) {
          fail<OptionError>(
              path, ": ", info.model_name,
              " has conditions, which this program does not make; choose models without.");
        } else if constexpr (!fills_in<Model>) {
          fail<OptionError>(
              path, ": ", info.model_name,
              " fills in no pictures; choose models that predict pixels, or codes group by group.");
        } else {
          using Grid = typename Model::Grid;
          const EvaluationTransform transform(
              {.height = Grid::height, .width = Grid::width, .normalisation = info.normalisation});
          const PictureBatch batch = draw_pictures(set, transform, images, seed);
          compared = static_cast<int>(batch.counters.size());
          const auto ranks = table.ranks(path, Model::Encoder::shape, batch.counters);
          Codebook words;
          if constexpr (Model::codes > 0)
            words = load_codebook(codebook_of(Safetensors(info.path), codebook));
          const FillOptions options{
              .normalisation = info.normalisation, .codebook = &words, .sampling = sampling};
          const auto filled = fill_in<Model>(
              device, load_tensors(info.path, placed_tensors(Model::groups())), batch.images, ranks,
              batch.counters, options);
          table.add(info.model_name, path, reconstruction_note<Model>(), batch.images, filled,
                    info.normalisation);
        }
      });
    }
    write_png(out, table.picture(shown));
    write_atomically(std::filesystem::path(out).replace_extension(".json"), table.json());
    std::cout << table.text() << out << ": " << std::min(shown, compared) << " of " << compared
              << " pictures.\n";
  });
}
