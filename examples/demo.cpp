// SPDX-License-Identifier: BSL-1.0
// From nothing to a measured encoder: pre-trains a model on small pictures, holds it against the
// same encoder untrained and against raw pixels, and writes a report with pictures.
//
//   ./demo                              SemAIM on Fashion-MNIST, as Debian's package installs it
//   ./demo --data PICTURES --epochs 3   any pictures by class, CIFAR binary, idx or npy files
//   ./demo --variant GVP_p2d_Nano       any other model; what teaches it is made first
#include "arvit/data/draw_pictures.hpp"
#include "arvit/data/open_dataset.hpp"
#include "arvit/eval/compare.hpp"
#include "arvit/eval/open_encoder.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/run/own_teacher.hpp"
#include "arvit/show/codebook_picture.hpp"
#include "arvit/show/maps.hpp"
#include "arvit/show/model_text.hpp"
#include "arvit/show/reconstruct.hpp"
#include "arvit/show/report.hpp"
#include "arvit/variants.hpp"

using namespace arvit;

#ifdef ARVIT_DEMO_VARIANT  // in the program demo_NAME, which examples/CMakeLists.txt makes of this
                           // file
using Chosen = ARVIT_DEMO_VARIANT;
#else
using Chosen = Variant<SemAIM_Pico, "SemAIM_Pico">;
#endif
constexpr int evaluation_pictures =
    10000;  // of the training split: neighbours and closed forms in a minute

namespace {

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
    std::snprintf(line, sizeof line, "Against %s: k-NN %+.2f, probe %+.2f", rows[i].name.c_str(),
                  100 * (rows[0].knn - rows[i].knn), 100 * (rows[0].probe - rows[i].probe));
    result += line;
    std::snprintf(line, sizeof line, ", 1 %% of labels %+.2f",
                  100 * (rows[0].probe_few - rows[i].probe_few));
    result += (rows[0].probe_few_choice.empty() ? std::string() : line) + " points. ";
  }
  return result;
}

void check_variant(const std::string& name) {
  if (name == Chosen::name.view()) return;
  const std::vector<std::string> known = variant_names();
  if (std::find(known.begin(), known.end(), name) == known.end())
    fail_unknown_name("--variant", name, known);
  fail<OptionError>("--variant ", name, ": this program holds ", Chosen::name.view(),
                    "; ./demo --variant ", name, " builds and runs the one that holds it.");
}

template <class Model> RunOptions options_from(int argc, char** argv) {
  RunOptions options;
  options.model = Chosen::name.view();
  options.data = "/usr/share/datasets/fashion-mnist";
  options.pictures.normalise = Normalise::measured;
  options.files.out = options.model == "SemAIM_Pico" ? "out/demo" : "out/demo_" + options.model;
  options.batch.size = 64;
  options.schedule.lr = 2e-3 * 64 / Model::Encoder::dim;
  options.pictures.crop_min = 0.7;
  options.schedule.epochs = 2;
  options.schedule.warmup = 0.2;
  options.files.log_every = 10;
  if constexpr (requires { requires bool(Model::Order::from_average); })
    options.optimiser.ema = 0.999;
  CommandLine line(
      "Pre-trains a model (SemAIM_Pico unless --variant names another), evaluates it and writes a "
      "report with pictures.\n\n"
      "Begin with:  ./demo    or    ./demo --variant MAE_Nano");
  line.add("variant", options.model,
           "any model of include/arvit/variants.hpp; ./demo builds the program that holds it");
  line.add("data", options.data,
           "pictures with classes: a folder by class, or of Fashion-MNIST, CIFAR or npy files");
  line.add("out", options.files.out, "folder for the report, the checkpoints and the logs");
  line.add("epochs", options.schedule.epochs, "passes over the pictures");
  line.add("seed", options.seed, "seed of everything random");
  line.add("threads", options.machine.threads, "threads; 0: all cores");
  line.add("teacher", options.teacher.path,
           "for a variant that predicts features or codes: what makes them, or an npy file; empty: "
           "a teacher is pre-trained, or a codebook fitted, before");
  line.add("condition", options.teacher.condition,
           "for a variant with a pooled condition: what makes it, or an npy file; empty: a "
           "codebook, fitted before");
  line.add("resume", options.files.resume, "continue from the newest checkpoint in --out");
  line.models(ModelList<Chosen>::infos());
  line.parse(argc, argv);
  check_variant(options.model);
  for (const std::string& path : {options.teacher.path, options.teacher.condition})
    if (look_at(path).is(Source::Kind::numbers)) options.pictures.whole_picture = true;
  return options;
}

/// What taught the model, for the report; "" where nothing did.
template <class Model> std::string teacher_text(const RunOptions& options, bool own) {
  if constexpr (UsesCodes<Model>)
    return text(
        "Its codes come from ", options.teacher.path,
        own ? text(", a codebook that k-means fitted to the patches of the same pictures first. ")
            : ". ");
  else if constexpr (Model::batch_widths.tokens > 0)
    return text("Its teacher is ", options.teacher.path,
                own ? text(", an encoder that SemAIM pre-trained on the same pictures first, with "
                           "the same options. ")
                    : ". ");
  else
    return "";
}

/// Feature sets to choose among: all tokens, which keep the places of things, where the closed form
/// has no more unknowns than pictures.
template <class E> std::vector<Feature> offered_features() {
  if (E::has_class_token && (E::Grid::patches + 1) * E::dim <= evaluation_pictures)
    return {{Readout::class_token, E::depth},
            {Readout::mean, E::depth},
            {Readout::tokens, E::depth / 2},
            {Readout::tokens, E::depth}};
  return all_layers<E>();
}

/// The model, the encoder untrained, raw pixels, and the teacher where it is an encoder.
template <class Model>
void add_accuracies(Report& report, Cpu<Fp32>& device, const RunOptions& options,
                    const AnyDataset& train, const std::string& checkpoint,
                    const EncoderInfo& info) {
  using Encoder = typename Model::Encoder;
  CompareOptions compare;
  compare.normalisation = info.normalisation, compare.seed = options.seed,
  compare.threads = options.machine.threads.value_or(0), compare.protocol.seed = options.seed;
  compare.protocol.probe.method = ProbeMethod::ridge, compare.protocol.knn.standardise = true;
  compare.protocol.probe.penalties = {
      1e-3, 1e-2, 1e-1, 1};  // the ones that are chosen; each is a system of 3200 unknowns
  const double share = std::min(
      1.0, static_cast<double>(evaluation_pictures) / static_cast<double>(train.size()));
  compare.protocol.few = std::min(1.0, 0.01 / share);  // one in a hundred of all training pictures
  const Subset<> labelled(train, stratified_fraction(labels_of(train), share, options.seed));
  const AnyDataset test = open_dataset(options.data, Split::test);
  const auto extractor = extractor_of<Model>(
      device, info, {.batch = compare.batch, .features = offered_features<Encoder>()});
  auto rows = compare_with_baselines(*extractor, load_encoder<Encoder>(checkpoint),
                                     untrained(Encoder::parameters(), options.seed), labelled, test,
                                     compare);
  if constexpr (LearnsFromEncoder<Model>) {
    const Source source = look_at(options.teacher.path);
    if (source.is(Source::Kind::checkpoint)) {
      using Teacher = typename Model::Target::Kind::Teacher;
      const std::string& file = source.path;
      compare.normalisation = EncoderInfo::of(Safetensors(file), "teacher").normalisation;
      FeatureExtractor<Teacher, Cpu<Fp32>> of_teacher(
          device, {.batch = compare.batch, .features = offered_features<Teacher>()});
      rows.push_back(evaluate_encoder("its teacher", of_teacher, load_encoder<Teacher>(file),
                                      labelled, test, compare));
    }
  }
  std::cout << accuracy_table_text(rows);
  std::vector<std::vector<std::string>> cells;
  for (const AccuracyRow& row : rows)
    cells.push_back({row.name, percent(row.knn), percent(row.probe),
                     row.probe_few_choice.empty() ? "-" : percent(row.probe_few),
                     text(row.knn_choice, "; ", row.probe_choice)});
  report.heading("Accuracy on the test pictures")
      .table(std::vector<std::string>{"features", "k-NN", "linear probe", "probe, 1 % of labels",
                                      "chosen on training pictures"},
             cells)
      .paragraph(text("k-NN and probes use ", labelled.size(),
                      " training pictures, drawn class by class. Feature, neighbours and penalty "
                      "were chosen on held-out training pictures, by the same protocol in every "
                      "row; the test pictures were used once. ",
                      margin_sentence(rows)));
}

/// What the model predicts, where that can be seen, and how it reads.
template <class Model>
void add_pictures(Report& report, Cpu<Fp32>& device, const RunOptions& options,
                  const AnyDataset& train, const std::string& checkpoint, const EncoderInfo& info) {
  using Grid = typename Model::Grid;
  const auto parameters = load_tensors(checkpoint, Model::parameters());
  const EvaluationTransform transform(
      {.height = Grid::height, .width = Grid::width, .normalisation = info.normalisation});
  const PictureBatch batch = draw_pictures(train, transform, 6, options.seed);
  if constexpr (Model::batch_widths.beside_pixels().total() == 0) {
    PatchPredictor<Model, Cpu<Fp32>> model(device, 6);
    model.load(parameters);
    report.heading("Predictions")
        .paragraph(
            "Every predicted patch is predicted from what the model may read before it. The "
            "picture says how predictions became pixels.")
        .picture(reconstruction_picture<Model>(reconstruct(model, batch.images, batch.counters),
                                               info.normalisation));
  }
  if (UsesCodes<Model> && look_at(options.teacher.path).is(Source::Kind::codebook)) {
    const Codebook codebook = load_codebook(options.teacher.path);
    const PictureBatch shown = draw_pictures(
        train,
        EvaluationTransform({.height = Grid::height, .width = Grid::width, .normalisation = {}}),
        16, options.seed);
    report.heading("The codebook")
        .paragraph(
            "Its patches from dark to bright; below, pictures above what their codes keep of them.")
        .picture(codebook_picture(
            codebook, shown.images,
            coded_pictures(device, codebook, shown.images, Grid::height, Grid::width), Grid::height,
            Grid::width));
  }
  if constexpr (!detail::OrderFromTeacher<typename Model::Order> && Model::Encoder::codes == 0 &&
                Model::Encoder::condition_width == 0)
    report.heading(Model::Encoder::has_class_token ? "Order, similarity and attention" : "Order")
        .paragraph(Model::Encoder::has_class_token
                       ? "Dark patches come first; of similarity to the class token and of its "
                         "attention, bright is most."
                       : "Dark patches come first.")
        .picture(maps_picture<Model>(
            batch.images, patch_maps<Model>(device, parameters, batch.images, batch.counters, 0),
            info.normalisation, false));
}

}  // namespace

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    using Model = Chosen::Model;
    RunOptions options = options_from<Model>(argc, argv);
    const AnyDataset train = open_dataset(options.data, Split::train);
    const bool own_teacher = options.teacher.path.empty();
    if (own_teacher) {
      const auto made = make_own_teacher<Model>(train, options);
      if (!made) return;
      options.teacher.path = *made;
    }
    const bool own_condition = options.teacher.condition.empty();
    if (own_condition) options.teacher.condition = make_own_condition<Model>(train, options);
    LineChart curve{"Pre-training loss", "images seen", "loss", {{"loss", {}, {}}}};
    double images = 0, seconds = 0;
    TrainerHooks hooks;
    hooks.after_step = [&](const StepRecord& step) {
      images += options.batch.size;
      seconds = step.seconds;
      curve.series[0].x.push_back(static_cast<double>(step.step) * options.batch.size);
      curve.series[0].y.push_back(step.loss);
    };
    const TrainingResult result = pretrain<Model>(train, options, hooks);
    if (!result.complete) return;

    Cpu<Fp32> device({options.machine.threads.value_or(0), {}});
    const EncoderInfo info = EncoderInfo::of(Safetensors(result.checkpoint));
    Report report(text("arvit: ", options.model, ", pre-trained and measured"));
    report.paragraph(text(
        "Data set ", describe(train), ". ", model_text<Model>(), " ",
        teacher_text<Model>(options, own_teacher),
        options.teacher.condition.empty()
            ? ""
            : text("Its condition comes from ", options.teacher.condition, ". "),
        "Labels were not used. ",
        images > 0 ? text(static_cast<std::int64_t>(images), " images in ", duration_text(seconds),
                          ", ", static_cast<std::int64_t>(images / seconds), " images/s. ")
                   : "",
        device.describe(), "."));
    if (images > 0) report.chart(curve);
    // Numbers in a file are of these pictures alone: there are none of test pictures.
    const auto of_numbers = [](const std::string& path) {
      return look_at(path).is(Source::Kind::numbers);
    };
    const bool of_a_file = (Model::Encoder::codes > 0 && of_numbers(options.teacher.path)) ||
                           of_numbers(options.teacher.condition);
    if (of_a_file)
      report.paragraph(
          "What the encoder reads came from a file of these pictures alone, so its features of "
          "other pictures were not measured.");
    if (!of_a_file && class_names(train).size() > 1 && has_test_split(options.data))
      add_accuracies<Model>(report, device, options, train, result.checkpoint, info);
    add_pictures<Model>(report, device, options, train, result.checkpoint, info);
    report.heading("What was run")
        .preformatted(text("./demo --variant ", options.model, " --data ", options.data,
                           " --epochs ", options.schedule.epochs, " --seed ", options.seed,
                           own_teacher ? "" : " --teacher " + options.teacher.path,
                           own_condition ? "" : " --condition " + options.teacher.condition, "\n",
                           device.describe(), "\ncheckpoint: ", result.checkpoint));
    report.write(options.files.out + "/report.html");
    std::cout << "Report: " << options.files.out << "/report.html\n";
  });
}
