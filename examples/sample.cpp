// SPDX-License-Identifier: BSL-1.0
// Pictures that a model makes up: from nothing, pixel after pixel (iGPT) or group after group
// (GVP), or below the given upper part of real ones.
//
//   sample --checkpoint out/igpt --count 16 --top-k 100 --out samples.png
//   sample --checkpoint out/gvp_d2d --data pictures --keep 0.5 --out completions.png
#include <chrono>

#include "arvit/data/draw_pictures.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/show/fill_in.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data, checkpoint, codebook, out = "samples.png", split = "test";
    int count = 16, groups = 20, threads = 0;
    double keep = 0;
    std::uint64_t seed = 0;
    FillOptions options;
    CommandLine line(
        "Draws pictures from a pre-trained model, or completes given ones.\n\nBegin with:  sample "
        "--checkpoint CHECKPOINT --out samples.png");
    line.add("checkpoint", checkpoint, "file that a trainer wrote, or the folder of a run",
             "Options", true);
    line.add("keep", keep, "share of each picture, from above, that is given; 0: nothing");
    line.add(
        "data", data,
        "pictures to complete: a folder of JPEG and PNG files, or of Fashion-MNIST or CIFAR files");
    line.add("split", split, "part of the data: train or test");
    line.add("codebook", codebook, "of a model of codes; empty: the one that the checkpoint names");
    line.add("temperature", options.sampling.temperature,
             "with which codes are drawn; 0: the likeliest");
    line.add("top-k", options.sampling.top_k, "likeliest codes from which one is drawn; 0: all");
    line.add("groups", groups,
             "groups in which GVP and SAIM predict patches; ViT-iGPT and iGPT predict one after "
             "another");
    line.add("count", count, "number of pictures");
    line.add("batch", options.batch, "pictures at once");
    line.add("seed", seed, "which pictures and codes");
    line.add("out", out, "PNG file to write");
    line.add("threads", threads, "threads; 0: all cores");
    line.parse(argc, argv);
    if (count < 1 || count > 4096) fail<OptionError>("--count is ", count, "; choose 1 to 4096.");
    if (options.batch < 1)
      fail<OptionError>("--batch is ", options.batch, "; it must be at least 1.");
    if (!(keep >= 0 && keep < 1))
      fail<OptionError>("--keep is ", keep, "; it must be 0 or more and below 1.");
    if (data.empty() != (keep == 0))
      fail<OptionError>(data.empty() ? "--keep needs pictures to keep a part of; give --data."
                                     : "--data is to be completed; give --keep, such as 0.5.");

    const EncoderInfo info = EncoderInfo::of(Safetensors(find_checkpoint(checkpoint)));
    options.normalisation = info.normalisation;
    select_model(info.model_name, PretrainedModels{}, [&]<class Model>() {
      if constexpr (Model::Encoder::condition_width > 0) {
        fail<OptionError>(
            checkpoint, ": ", info.model_name,
            " has conditions, which this program does not make; choose a model without.");
      } else if constexpr (!fills_in<Model> || !predicts_by_groups<Model>) {
        fail<OptionError>(checkpoint, ": ", info.model_name,
                          " predicts no pixels or codes one after another; choose a model with "
                          "Causal, TwoStream or Parallel decoder.");
      } else {
        using Grid = typename Model::Grid;
        if (keep == 0 && Model::codes == 0 && Model::Target::standardise)
          fail<OptionError>(checkpoint, ": ", info.model_name,
                            " predicts standardised patches, which become pixels by the true patch "
                            "alone; give --data and --keep, or choose another model.");
        if (Model::codes == 0 && !codebook.empty())
          fail<OptionError>("--codebook ", codebook, ": ", info.model_name,
                            " predicts pixels; drop --codebook.");
        if (Model::codes == 0 && (options.sampling.temperature != 1 || options.sampling.top_k != 0))
          fail<OptionError>("--temperature and --top-k are for models of codes, ", info.model_name,
                            " predicts pixels; drop them.");
        Codebook words;
        if constexpr (Model::codes > 0)
          words = load_codebook(codebook_of(Safetensors(info.path), codebook));
        options.codebook = &words;
        const EvaluationTransform transform(
            {.height = Grid::height, .width = Grid::width, .normalisation = info.normalisation});
        PictureBatch batch;
        if (keep > 0)
          batch = draw_pictures(open_dataset(data, split_from(split)), transform, count, seed);
        for (int i = 0; keep == 0 && i < count; ++i)
          batch.counters.push_back({seed, 0, static_cast<std::uint32_t>(i)});
        batch.images.resize(batch.counters.size() * Grid::image_width);
        std::vector<int> ranks;
        for (const Counter& counter : batch.counters)
          for (const int rank : completion_ranks(Grid::rows, Grid::columns, keep, groups, counter))
            ranks.push_back(rank);

        Cpu<Fp32> device({threads, {}});
        const auto parameters = load_tensors(info.path, placed_tensors(Model::groups()));
        const auto begin = std::chrono::steady_clock::now();
        const auto filled = fill_in<Model>(device, parameters, batch.images, ranks, batch.counters,
                                           options);
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        write_png(out,
                  samples_picture<Grid>(batch.images, filled, ranks, info.normalisation,
                                        keep > 0 ? reconstruction_note<Model>() : std::string()));
        std::cout << out << ": " << info.model_name << ", " << batch.counters.size()
                  << " pictures, " << static_cast<double>(batch.counters.size()) / seconds
                  << " images/s; " << reconstruction_note<Model>() << ".\n";
      }
    });
  });
}
