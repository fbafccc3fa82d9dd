// SPDX-License-Identifier: BSL-1.0
// Pre-trains every variant on the same pictures with one small encoder, images seen and seed alike, and prints a table: k-NN and linear probe, images/s,
// memory; the untrained encoder and raw pixels as floor. Continues where it was stopped.
//
//   variant_table --data cifar10 --epochs 10 --out out/variants
#include <algorithm>
#include <filesystem>
#include <sstream>

#include "arvit/eval/compare.hpp"
#include "arvit/eval/fit_codebook.hpp"
#include "arvit/io/file.hpp"
#include "arvit/pretrain.hpp"
#include "arvit/train/options.hpp"
#include "arvit/variants.hpp"

using namespace arvit;

// Any encoder: every variant is a type around it.
using Encoder = ViT<4, 64, 4, Patch<4>, Image<32>>;
using Teacher = SemAIM<Encoder, Parallel<2>>;
using Models = ModelList<Variant<CausalViT<Encoder>, "ViT-iGPT">, Variant<MAE<Encoder, Joint<2, 64, 4>>, "MAE">, Variant<SimMIM<Encoder>, "SimMIM">,
                         Variant<RandSAC<Encoder, Parallel<2>>, "RandSAC">, Variant<SAIM<Encoder, Parallel<2>>, "SAIM">, Variant<Teacher, "SemAIM">,
                         Variant<GVP<Encoder, Grouped<Mixed<5>>>, "GVP p2p">, Variant<GVP<Encoder, Grouped<Mixed<5>>, Target<Codes<512>>>, "GVP p2d, own codebook">,
                         Variant<DiGPT<Encoder, Target<Features<Encoder>>, Twin<2, 64>>, "D-iGPT, taught by SemAIM">>;

namespace {

struct Row {
  AccuracyRow accuracy;
  double images_per_second = 0, memory = 0;  // 0: not measured; memory: bytes of the plan
};

/// The variants that --variants names, separated by semicolons; all if it is empty.
std::vector<std::string> names_in(const std::string& list) {
  const std::vector<std::string> known = Models::names();
  if (list.empty()) return known;
  std::vector<std::string> names;
  std::istringstream stream(list);
  for (std::string name; std::getline(stream, name, ';');) {
    if (std::find(known.begin(), known.end(), name) == known.end()) fail_unknown_name("--variants", name, known);
    names.push_back(name);
  }
  return names;
}

/// `name` as a folder.
std::string folder_of(std::string name) {
  for (char& c : name) c = c == ' ' || c == ',' ? '_' : c;
  return name;
}

/// The file of a codebook of the pictures' patches; fitted if there is none.
std::string codebook_of(int codes, const RunOptions& options, const AnyDataset& train) {
  const std::string file = options.out + "/codebook.safetensors";
  if (std::filesystem::exists(file)) return file;
  Cpu<Fp32> device({options.threads, {}});
  CodebookOptions fit;
  fit.codes = codes, fit.patch = Encoder::Grid::patch, fit.height = Encoder::Grid::height, fit.width = Encoder::Grid::width, fit.seed = options.seed;
  save_codebook(file, fit_codebook(device, train, fit).codebook);
  return file;
}

/// Pre-trains, or takes the finished run in its folder.
template <class Model>
Row pretrained_row(const std::string& name, RunOptions options, const CompareOptions& compare, FeatureSource<float>& extractor, const AnyDataset& train, const AnyDataset& test) {
  if constexpr (requires { Model::Target::Kind::classes; }) options.teacher = codebook_of(Model::Target::Kind::classes, options, train);
  else if constexpr (Model::given_width > 0) options.teacher = options.out + "/SemAIM";
  options.model = name, options.out += "/" + folder_of(name), options.resume = true;
  double images = 0, seconds = 0;
  TrainerHooks hooks;
  hooks.after_step = [&](const StepRecord& step) { images += options.batch, seconds = step.seconds; };
  const TrainingResult result = pretrain<Model>(train, options, hooks);
  if (!result.complete) fail("stopped; start again to continue.");
  Row row{evaluate_encoder(name, extractor, load_encoder<Encoder>(result.checkpoint), train, test, compare)};
  if (seconds > 0) row.images_per_second = images / seconds;
  row.memory = static_cast<double>(Step<Model, Cpu<Fp32>>::plan({.micro_batch = default_micro_batch(options.batch, Model::Grid::patches)}).total());
  return row;
}

std::string line_of(const Row& row) {
  char line[256];
  std::snprintf(line, sizeof line, "| %s | %.2f | %.2f | %s | %s |\n", row.accuracy.name.c_str(), 100 * row.accuracy.knn, 100 * row.accuracy.probe,
                row.images_per_second > 0 ? text(static_cast<std::int64_t>(row.images_per_second)).c_str() : "-",
                row.memory > 0 ? text(static_cast<std::int64_t>(row.memory / (1 << 20)), " MiB").c_str() : "-");
  return line;
}

}  // namespace

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    RunOptions options;
    options.out = "out/variants", options.batch = 64, options.lr = 2e-3, options.epochs = 10, options.warmup = 0.5, options.normalise = "measured", options.log_every = 10;
    std::string only;
    CommandLine line("Pre-trains every variant with one small encoder on the same pictures and compares the features.\n\nBegin with:  variant_table --data cifar10");
    line.add("data", options.data, "pictures with training and test split: CIFAR files, or a folder of pictures by class", "Options", true);
    line.add("out", options.out, "folder for the runs and table.md");
    line.add("variants", only, "some of them, separated by semicolons; empty: all");
    line.add("epochs", options.epochs, "passes over the pictures, the same for each variant");
    line.add("batch", options.batch, "images per optimiser step");
    line.add("lr", options.lr, "peak learning rate");
    line.add("warmup", options.warmup, "epochs of linear warm-up");
    line.add("crop-min", options.crop_min, "smallest area of the random crop");
    line.add("seed", options.seed, "seed of everything random");
    line.add("threads", options.threads, "threads; 0: all cores");
    line.parse(argc, argv);
    const auto wanted = names_in(only);

    const AnyDataset train = open_dataset(options.data, Split::train), test = open_dataset(options.data, Split::test);
    CompareOptions compare;
    compare.normalisation = measure_normalisation(train), compare.seed = options.seed, compare.threads = options.threads;
    compare.protocol.seed = options.seed, compare.protocol.few = 0, compare.protocol.probe.method = ProbeMethod::ridge, compare.protocol.knn.standardise = true;
    Cpu<Fp32> device({options.threads, {}});
    FeatureExtractor<Encoder, Cpu<Fp32>> extractor(device, {.batch = 64, .features = all_layers<Encoder>()});

    std::vector<Row> rows;
    [&]<class... Variants>(ModelList<Variants...>) {
      const auto add = [&]<class V>() {
        const std::string name(V::name.view());
        if (std::find(wanted.begin(), wanted.end(), name) != wanted.end()) rows.push_back(pretrained_row<typename V::Model>(name, options, compare, extractor, train, test));
      };
      (add.template operator()<Variants>(), ...);
    }(Models{});
    rows.push_back({evaluate_encoder("untrained", extractor, untrained(placed_tensors(Encoder::groups()), options.seed), train, test, compare)});
    if (const auto pixels = evaluate_pixels(Encoder::shape, train, test, compare)) rows.push_back({*pixels});

    std::string table = "| variant | k-NN, % | linear probe, % | images/s | memory |\n|---|---|---|---|---|\n";
    for (const Row& row : rows) table += line_of(row);
    table += text("\n", describe(train), "; ", options.epochs, " epochs in batches of ", options.batch, ", seed ", options.seed, "; ", device.describe(), ".\n");
    for (const Row& row : rows) table += text(row.accuracy.name, ": k-NN on ", row.accuracy.knn_choice, "; probe on ", row.accuracy.probe_choice, ".\n");
    std::cout << table;
    write_atomically(options.out + "/table.md", table);
  });
}
