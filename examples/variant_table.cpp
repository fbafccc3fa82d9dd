// SPDX-License-Identifier: BSL-1.0
// Pre-trains every variant on the same pictures with one small encoder and prints a table: k-NN and
// linear probe after as many images, with --minutes also after as much time; images/s, memory; the
// untrained encoder and raw pixels as floor. Continues where it was stopped, and keeps what is
// finished.
//
//   variant_table --data cifar10 --epochs 10 --minutes 20 --out out/variants
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "arvit/data/open_dataset.hpp"
#include "arvit/eval/compare.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/json_reader.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/run/own_teacher.hpp"
#include "arvit/variants.hpp"

using namespace arvit;

// Any encoder: every variant is a type around it.
using Encoder = ViT<4, 64, 4, Patch<4>, Image<32>>;
using OfCodes = ViT<4, 64, 4, Patch<4>, Image<32>, Embedding<Codes<512>>>;
using Teacher = TeacherModel<Encoder>;
using OwnFeatures = Target<Features<Encoder>>;
using Methods = ModelList<
    Variant<CausalViT<Encoder>, "ViT-iGPT">, Variant<MAE<Encoder, Joint<2, 64, 4>>, "MAE">,
    Variant<SimMIM<Encoder>, "SimMIM">, Variant<RandSAC<Encoder, Parallel<2>>, "RandSAC">,
    Variant<SAIM<Encoder, Parallel<2>>, "SAIM">, Variant<Teacher, "SemAIM">,
    Variant<GVP<Encoder, Grouped<Mixed<5>>>, "GVP p2p">,
    Variant<GVP<Encoder, Grouped<Mixed<5>>, Target<Codes<512>>>, "GVP p2d, own codebook">,
    Variant<GVP<OfCodes, Grouped<Mixed<5>>, Target<Codes<512>>>, "GVP d2d, own codebook">,
    Variant<MAGE<OfCodes, Joint<2, 64, 4>, Target<Codes<512>>>, "MAGE, own codebook">,
    Variant<iGPT<ViT<4, 64, 4, Patch<1>, Image<16>, Embedding<Codes<512>>>>, "iGPT, own palette">,
    Variant<DiGPT<Encoder, OwnFeatures, Twin<2, 64>>, "D-iGPT, taught by SemAIM">>;
using Arms = ModelList<
    Variant<SemAIM<Encoder, Parallel<2>, Raster>, "SemAIM, reading order">,
    Variant<SemAIM<Encoder, Parallel<2>, Semantic<BySimilarity>>, "SemAIM, by similarity">,
    Variant<GVP<Encoder, Grouped<Fixed<5>>>, "GVP p2p, equal groups">,
    Variant<GVP<Encoder, Grouped<Random<5>>>, "GVP p2p, random groups">,
    Variant<GVP<Encoder, Grouped<Mixed<5>, FixedSequence>>, "GVP p2p, reading order">,
    Variant<GVP<ViT<4, 64, 4, Patch<4>, Image<32>, NoClassToken, Conditions<Pooled<Codes<512>>>>,
                Grouped<Mixed<5>>>,
            "GVP p2p, y_extra of own codes">,
    Variant<SimMIM<Encoder, Target<Codes<512>>, RandomMask<std::ratio<3, 5>>>,
            "BEiT, own codebook">,
    Variant<DiGPT<Encoder, OwnFeatures, Twin<2, 64, GenOnly>>, "D-iGPT, Gen alone">,
    Variant<DiGPT<Encoder, OwnFeatures, Twin<2, 64, DisOnly>>, "D-iGPT, Dis alone">,
    Variant<SimMIM<Encoder, OwnFeatures, RandomMask<std::ratio<3, 5>>>, "EVA, taught by SemAIM">,
    Variant<Pretrainer<Encoder, Decoder<Distil>, OrderPolicy<Cluster<1, 1>>, OwnFeatures>,
            "distillation of SemAIM">>;

namespace {

/// What is known of a run or of a floor, kept in a file; `key` says of which pictures and options.
/// Numbers that are 0 were not measured.
struct Row {
  std::string key;
  AccuracyRow accuracy;
  double epochs = 0, images_per_second = 0, peak = 0,
         plan =
             0;  ///< peak: bytes that training added to the process; plan: those of its memory plan
};
template <class R, class Visit> void for_each_number(R& row, Visit&& visit) {
  visit("knn", row.accuracy.knn), visit("probe", row.accuracy.probe), visit("epochs", row.epochs);
  visit("images_per_second", row.images_per_second), visit("peak", row.peak),
      visit("plan", row.plan);
}
void save_row(const std::string& file, const Row& row) {
  JsonWriter json;
  json.begin_object()
      .member("key", row.key)
      .member("name", row.accuracy.name)
      .member("knn_choice", row.accuracy.knn_choice)
      .member("probe_choice", row.accuracy.probe_choice);
  for_each_number(row, [&](const char* name, double value) { json.member(name, value); });
  write_atomically(file, json.end_object().text());
}
/// The row in a file; none when there is no file, or that of another key.
std::optional<Row> load_row(const std::string& file, const std::string& key) {
  if (!std::filesystem::exists(file)) return {};
  const std::string json = read_text(file);
  Row row;
  JsonReader reader(json, file);
  reader.object([&](const std::string& name) {
    if (name == "key")
      row.key = reader.string();
    else if (name == "name")
      row.accuracy.name = reader.string();
    else if (name == "knn_choice")
      row.accuracy.knn_choice = reader.string();
    else if (name == "probe_choice")
      row.accuracy.probe_choice = reader.string();
    else {
      const double value = std::strtod(std::string(reader.raw()).c_str(), nullptr);
      for_each_number(row, [&](const char* known, double& number) {
        if (name == known) number = value;
      });
    }
  });
  return row.key == key ? std::optional(row) : std::nullopt;
}

/// Images/s of a whole run, however many processes it took, from its log.
double logged_rate(const std::string& folder) {
  std::ifstream log(folder + "/log.csv");
  std::string line, cell;
  std::getline(log, line);
  std::istringstream header(line);
  int column = 0, rows = 0;
  while (std::getline(header, cell, ',') && cell != "images_per_second") ++column;
  double seconds = 0;  // for one image in each of the rows
  for (; std::getline(log, line); ++rows) {
    std::istringstream cells(line);
    for (int i = 0; i <= column; ++i) std::getline(cells, cell, ',');
    seconds += 1 / std::strtod(cell.c_str(), nullptr);
  }
  return rows > 0 ? rows / seconds : 0;
}

/// `name` as a folder.
std::string folder_of(std::string name) {
  for (char& c : name) c = c == ' ' || c == ',' ? '_' : c;
  return name;
}

class Table {
 public:
  Table(RunOptions options, double minutes)
      : options_(std::move(options)),
        minutes_(minutes),
        train_(open_dataset(options_.data, Split::train)),
        test_(open_dataset(options_.data, Split::test)),
        device_({options_.machine.threads.value_or(0), {}}),
        extractor_(device_, {.batch = 64, .features = all_layers<Encoder>()}) {
    compare_.normalisation = measure_normalisation(train_), compare_.seed = options_.seed,
    compare_.threads = options_.machine.threads.value_or(0);
    compare_.protocol.seed = options_.seed, compare_.protocol.few = 0,
    compare_.protocol.probe.method = ProbeMethod::ridge, compare_.protocol.knn.standardise = true;
  }

  /// Its rows: after as many images and, if asked for, after as much time.
  template <class Model> void add(const std::string& name) {
    std::string line = text("| ", name, " | - | - | - | - | - |"), timed_cells = " - | - | - |";
    try {
      const Row row = row_of<Model>(name, folder_of(name), options_.schedule.epochs);
      line = line_of(row), choices_.push_back(row);
      if (minutes_ > 0) {
        const double epochs = std::max(
            1e-3, 1e-3 * std::round(1e3 * 60 * minutes_ * row.images_per_second /
                                    static_cast<double>(train_.size())));
        const Row timed = row_of<Model>(name, folder_of(name) + "_minutes", epochs);
        timed_cells = cells_of(timed), choices_.push_back(timed),
        choices_.back().accuracy.name += text(", ", minutes_, " minutes");
      }
    } catch (const NumericError& error) {  // the others go on
      failures_ += text(name, ": ", error.what(), "\n");
    }
    rows_.push_back(line + (minutes_ > 0 ? timed_cells : ""));
    write();
  }
  /// What any pre-training must beat.
  void add_floors() {
    add_floor("untrained", [&] {
      return std::optional(evaluate_encoder("untrained", extractor_,
                                            untrained(Encoder::parameters(), options_.seed), train_,
                                            test_, compare_));
    });
    add_floor("raw pixels",
              [&] { return evaluate_pixels(Encoder::shape, train_, test_, compare_); });
    std::cout << text_of_all();
  }

 private:
  std::string key_of(double epochs) const {
    return text(describe(train_), "; ", describe(test_), "; epochs ", epochs, " of ",
                options_.schedule.epochs, ", batch ", options_.batch.size, ", lr ",
                options_.peak_learning_rate(), ", warmup ", options_.schedule.warmup, ", crop-min ",
                options_.pictures.crop_min, ", seed ", options_.seed);
  }
  /// Pre-trains and evaluates, or takes what is finished in the folder.
  template <class Model>
  Row row_of(const std::string& name, const std::string& folder, double epochs) {
    RunOptions options = options_;
    options.files.resume = true;
    const std::string codebook = text(options.files.out, "/codebook", Model::Grid::patch,
                                      ".safetensors");
    if constexpr (Model::Encoder::condition_width > 0) {
      options.teacher.condition = codebook;
      fit_own_codebook<Model>(train_, options, codebook, 512);
    }
    if constexpr (UsesCodes<Model>) {
      options.teacher.path = codebook;
      fit_own_codebook<Model>(train_, options, codebook);
    } else if constexpr (LearnsFromEncoder<Model>) {
      options.teacher.path = options.files.out + "/SemAIM";
      row_of<Teacher>("SemAIM", "SemAIM", options.schedule.epochs);
    }
    options.model = name;
    options.files.out += "/" + folder;
    options.schedule.warmup *= epochs / options.schedule.epochs;
    options.schedule.epochs = epochs;
    const std::string file = options.files.out + "/row.json", key = key_of(epochs),
                      trained_key = "trained, not evaluated; " + key;
    if (const auto known = load_row(file, key)) return *known;
    Row row = load_row(file, trained_key).value_or(Row{});
    malloc_trim(0);  // what evaluations left would hide what training takes
    const bool counts = forget_peak();
    const std::int64_t before = process_bytes("VmRSS");
    bool trains = false;
    TrainerHooks hooks;
    hooks.after_step = [&](const StepRecord&) { trains = true; };
    const TrainingResult result = pretrain<Model>(train_, options, hooks);
    if (!result.complete) fail("stopped; start again to continue.");
    if (trains && counts) row.peak = static_cast<double>(process_bytes("VmHWM") - before);
    row.key = trained_key, row.epochs = epochs,
    row.images_per_second = logged_rate(options.files.out);
    row.plan = static_cast<double>(
        Step<Model, Cpu<Fp32>>::plan(
            {.micro_batch = default_micro_batch(options.batch.size, Model::Grid::patches)})
            .total());
    save_row(file, row);
    using E = typename Model::Encoder;
    const auto extractor = extractor_of<Model>(device_,
                                               EncoderInfo::of(Safetensors(result.checkpoint)),
                                               {.batch = 64, .features = all_layers<E>()});
    row.accuracy = evaluate_encoder(name, *extractor, load_encoder<E>(result.checkpoint), train_,
                                    test_, compare_),
    row.key = key;
    save_row(file, row);
    return row;
  }
  template <class Evaluate> void add_floor(const std::string& name, const Evaluate& evaluate) {
    const std::string file = options_.files.out + "/" + folder_of(name) + ".json", key = key_of(0);
    std::optional<Row> row = load_row(file, key);
    if (!row) {
      const std::optional<AccuracyRow> accuracy = evaluate();
      if (!accuracy) return;
      row = Row{.key = key, .accuracy = *accuracy};
      save_row(file, *row);
    }
    rows_.push_back(line_of(*row) + (minutes_ > 0 ? " - | - | - |" : ""));
    choices_.push_back(*row);
    write();
  }

  static std::string number(double value, const char* format) {
    char digits[32];
    std::snprintf(digits, sizeof digits, format, value);
    return value > 0 ? digits : "-";
  }
  static std::string line_of(const Row& row) {
    return text("| ", row.accuracy.name, " | ", number(100 * row.accuracy.knn, "%.2f"), " | ",
                number(100 * row.accuracy.probe, "%.2f"), " | ",
                number(row.images_per_second, "%.0f"), " | ", number(row.plan / (1 << 20), "%.0f"),
                " | ", number(row.peak / (1 << 20), "%.0f"), " |");
  }
  static std::string cells_of(const Row& timed) {
    return text(" ", number(timed.epochs, "%.2f"), " | ", number(100 * timed.accuracy.knn, "%.2f"),
                " | ", number(100 * timed.accuracy.probe, "%.2f"), " |");
  }
  std::string text_of_all() const {
    std::string table = text(
        "| variant | k-NN, % | linear probe, % | images/s | plan, MiB | peak, MiB |",
        minutes_ > 0 ? text(" epochs in ", minutes_, " min | k-NN, % | linear probe, % |")
                     : std::string(),
        "\n|---|---|---|---|---|---|", minutes_ > 0 ? "---|---|---|" : "", "\n");
    for (const std::string& row : rows_) table += row + "\n";
    table += text("\n", describe(train_), "; ", options_.schedule.epochs, " epochs in batches of ",
                  options_.batch.size, ", seed ", options_.seed, "; ", device_.describe(), ". ",
                  minutes_ > 0 ? text("On the right, runs with a schedule as long as ", minutes_,
                                      " minutes at the speed of those on the left; the time of a "
                                      "teacher's or a codebook's making is not in it. ")
                               : std::string(),
                  "Plan: of the step; peak: what training added to the process.\n\n");
    for (const Row& row : choices_)
      table += text(row.accuracy.name, ": k-NN on ", row.accuracy.knn_choice, "; probe on ",
                    row.accuracy.probe_choice, ".\n");
    return table + failures_;
  }
  void write() const { write_atomically(options_.files.out + "/table.md", text_of_all()); }

  RunOptions options_;
  double minutes_;
  AnyDataset train_, test_;
  CompareOptions compare_;
  Cpu<Fp32> device_;
  FeatureExtractor<Encoder, Cpu<Fp32>> extractor_;
  std::vector<std::string> rows_;
  std::vector<Row> choices_;
  std::string failures_;
};

/// The variants that --variants names, separated by semicolons; all methods, and with --arms all
/// arms, if it is empty.
std::vector<std::string> names_in(const std::string& list, bool arms) {
  std::vector<std::string> known = Methods::names();
  const std::vector<std::string> more = Arms::names();
  if (arms || !list.empty()) known.insert(known.end(), more.begin(), more.end());
  if (list.empty()) return known;
  std::vector<std::string> names;
  std::istringstream stream(list);
  for (std::string name; std::getline(stream, name, ';');) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      fail_unknown_name("--variants", name, known);
    names.push_back(name);
  }
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    RunOptions options;
    options.files.out = "out/variants";
    options.batch.size = 64;
    options.schedule.lr = 2e-3;
    options.schedule.epochs = 10;
    options.schedule.warmup = 0.5;
    options.pictures.normalise = Normalise::measured;
    options.files.log_every = 10;
    std::string only;
    bool arms = false;
    double minutes = 0;
    CommandLine line(
        "Pre-trains every variant with one small encoder on the same pictures and compares the "
        "features.\n\nBegin with:  variant_table --data cifar10");
    line.add("data", options.data,
             "pictures with training and test split: a folder by class, or of CIFAR or npy files",
             "Options", true);
    line.add("out", options.files.out, "folder for the runs and table.md");
    line.add("variants", only, "some of them, separated by semicolons; empty: all methods");
    line.add("arms", arms, "ablation arms, too");
    line.add("epochs", options.schedule.epochs,
             "passes over the pictures, the same for each variant");
    line.add("minutes", minutes,
             "a second run of each variant, as long as its speed fills this time; 0: none");
    line.add("batch", options.batch.size, "images per optimiser step");
    line.add("lr", options.schedule.lr, "peak learning rate");
    line.add("warmup", options.schedule.warmup, "epochs of linear warm-up");
    line.add("crop-min", options.pictures.crop_min, "smallest area of the random crop");
    line.add("seed", options.seed, "seed of everything random");
    line.add("threads", options.machine.threads, "threads; 0: all cores");
    line.parse(argc, argv);
    if (!(minutes >= 0 && std::isfinite(minutes)))
      fail<OptionError>("--minutes is ", minutes, "; it must be a number of at least 0.");
    check(options);
    const auto wanted = names_in(only, arms);
    CheckpointFolder(options.files.out).prepare();
    Table table(options, minutes);
    const auto add = [&]<class... Variants>(ModelList<Variants...>) {
      ((std::find(wanted.begin(), wanted.end(), Variants::name.view()) != wanted.end()
            ? table.add<typename Variants::Model>(std::string(Variants::name.view()))
            : void()),
       ...);
    };
    add(Methods{}), add(Arms{});
    table.add_floors();
  });
}
