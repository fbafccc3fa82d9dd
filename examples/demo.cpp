// SPDX-License-Identifier: BSL-1.0
// From nothing to a measured encoder: pre-trains SemAIM on small pictures, holds it against the same encoder untrained and against raw pixels,
// and writes a report with pictures.
//
//   demo                                   Fashion-MNIST, as Debian's package installs it
//   demo --data PICTURES --epochs 3       any folder of pictures by class, CIFAR binary files or idx files
#include "arvit/eval/compare.hpp"
#include "arvit/eval/maps.hpp"
#include "arvit/eval/reconstruct.hpp"
#include "arvit/io/report.hpp"
#include "arvit/pretrain.hpp"
#include "arvit/train/options.hpp"
#include "arvit/variants.hpp"

using namespace arvit;
using Model = SemAIM_Pico;
constexpr int evaluation_pictures = 10000;  // of the training split: neighbours and closed forms in a minute

std::string percent(double share) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%.2f %%", 100 * share);
  return digits;
}
/// By how much the first row beats the others, or that it does not.
std::string margin_sentence(const std::vector<AccuracyRow>& rows) {
  std::string result;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    char line[160];
    std::snprintf(line, sizeof line, "Against %s: k-NN %+.2f, probe %+.2f, 1 %% of labels %+.2f points. ", rows[i].name.c_str(), 100 * (rows[0].knn - rows[i].knn),
                  100 * (rows[0].probe - rows[i].probe), 100 * (rows[0].probe_few - rows[i].probe_few));
    result += line;
  }
  return result;
}

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    RunOptions options;
    options.model = "SemAIM_Pico", options.data = "/usr/share/datasets/fashion-mnist", options.out = "out/demo", options.normalise = "measured";
    options.batch = 64, options.lr = 2e-3, options.crop_min = 0.7, options.epochs = 2, options.warmup = 0.2, options.log_every = 10;
    CommandLine line("Pre-trains a small SemAIM, evaluates it and writes a report with pictures.\n\nBegin with:  demo");
    line.add("data", options.data, "pictures: Fashion-MNIST or CIFAR files, or a folder of pictures by class");
    line.add("out", options.out, "folder for the report, the checkpoints and the logs");
    line.add("epochs", options.epochs, "passes over the pictures");
    line.add("seed", options.seed, "seed of everything random");
    line.add("threads", options.threads, "threads; 0: all cores");
    line.add("resume", options.resume, "continue from the newest checkpoint in --out");
    line.parse(argc, argv);

    const AnyDataset train = open_dataset(options.data, Split::train);
    LineChart curve{"Pre-training loss", "images seen", "loss", {{"loss", {}, {}}}};
    double images = 0, seconds = 0;
    TrainerHooks hooks;
    hooks.after_step = [&](const StepRecord& step) {
      images += options.batch, seconds = step.seconds;
      curve.series[0].x.push_back(static_cast<double>(step.step) * options.batch), curve.series[0].y.push_back(step.loss);
    };
    const TrainingResult result = pretrain<Model>(train, options, hooks);
    if (!result.complete) return;

    Cpu<Fp32> device({options.threads, {}});
    const PretrainedInfo info = PretrainedInfo::of(Safetensors(result.checkpoint));
    Report report("arvit: SemAIM, pre-trained and measured");
    report.paragraph(text("Data set ", describe(train), ". A vision transformer (", Model::Encoder::depth, " layers, width ", Model::Encoder::dim, ", ", Model::Grid::patches,
                          " patches) learned to predict patches from those before them, in the order that grows from the patch most similar to its class token. ",
                          "Labels were not used. ", images > 0 ? text(static_cast<std::int64_t>(images), " images in ", duration_text(seconds), ", ", static_cast<std::int64_t>(images / seconds), " images/s. ") : "",
                          device.describe(), "."));
    if (images > 0) report.chart(curve);

    if (class_names(train).size() > 1 && has_test_split(options.data)) {
      CompareOptions compare;
      compare.normalisation = info.normalisation, compare.seed = options.seed, compare.threads = options.threads, compare.protocol.seed = options.seed;
      compare.protocol.probe.method = ProbeMethod::ridge, compare.protocol.knn.standardise = true;
      compare.protocol.probe.penalties = {1e-3, 1e-2, 1e-1, 1};  // the ones that are chosen; each is a system of 3200 unknowns
      constexpr int depth = Model::Encoder::depth;
      compare.features = {{Readout::class_token, depth}, {Readout::mean, depth}, {Readout::tokens, depth / 2}, {Readout::tokens, depth}};
      const double share = std::min(1.0, static_cast<double>(evaluation_pictures) / static_cast<double>(train.size()));
      compare.protocol.few = std::min(1.0, 0.01 / share);  // one in a hundred of all training pictures
      const Subset<> labelled(train, stratified_fraction(labels_of(train), share, options.seed));
      const auto rows = compare_with_baselines<Model::Encoder>(device, load_encoder<Model::Encoder>(result.checkpoint), labelled,
                                                               open_dataset(options.data, Split::test), compare);
      std::cout << accuracy_table_text(rows);
      std::vector<std::vector<std::string>> cells;
      for (const AccuracyRow& row : rows)
        cells.push_back({row.name, percent(row.knn), percent(row.probe), row.probe_few_choice.empty() ? "-" : percent(row.probe_few), text(row.knn_choice, "; ", row.probe_choice)});
      report.heading("Accuracy on the test pictures")
          .table(std::vector<std::string>{"features", "k-NN", "linear probe", "probe, 1 % of labels", "chosen on training pictures"}, cells)
          .paragraph(text("k-NN and probes use ", labelled.size(),
                          " training pictures, drawn class by class. Feature, neighbours and penalty were chosen on held-out training pictures, by the same protocol in every row; the test pictures were used once. ",
                          margin_sentence(rows)));
    }

    FrozenPretrainer<Model, Cpu<Fp32>> model(device, 6);
    const auto parameters = load_tensors(result.checkpoint, placed_tensors(Model::groups()));
    model.load(parameters);
    const EvaluationTransform transform({.height = Model::Grid::height, .width = Model::Grid::width, .normalisation = info.normalisation});
    const PictureBatch batch = draw_pictures(train, transform, 6, options.seed);
    report.heading("Predictions").paragraph("Every patch is predicted from the patches before it in its order. The picture says how predictions became pixels.").picture(reconstruction_picture<Model>(reconstruct(model, batch.images, batch.counters), info.normalisation));
    const auto maps = patch_maps<Model>(device, parameters, batch.images, batch.counters, 0);
    report.heading("Order, similarity and attention").picture(maps_picture<Model>(batch.images, maps, info.normalisation, false));
    report.heading("What was run").preformatted(text("./demo --data ", options.data, " --epochs ", options.epochs, " --seed ", options.seed, "\n", device.describe(), "\ncheckpoint: ", result.checkpoint));
    report.write(options.out + "/report.html");
    std::cout << "Report: " << options.out << "/report.html\n";
  });
}
