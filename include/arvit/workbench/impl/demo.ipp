// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/demo.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>

#include "arvit/data/open_dataset.hpp"
#include "arvit/eval/compare.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/show/codebook_picture.hpp"
#include "arvit/show/report.hpp"

namespace arvit::program {

namespace detail {

/// Of the training split: neighbours and closed forms in a minute.
inline constexpr int evaluation_pictures = 10000;

ARVIT_DEFINITION std::string percent(double share) {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%.2f %%", 100 * share);
  return digits;
}

/// By how much the first row beats the others, or that it does not.
ARVIT_DEFINITION std::string margin_sentence(std::span<const AccuracyRow> rows) {
  const AccuracyRow& first = rows.front();
  const auto points = [](double difference) {
    char digits[16];
    std::snprintf(digits, sizeof digits, "%+.2f", 100 * difference);
    return std::string(digits);
  };
  std::string result;
  for (const AccuracyRow& row : rows.subspan(1)) {
    result += text("Against ", row.name, ": k-NN ", points(first.knn - row.knn), ", probe ",
                   points(first.probe - row.probe));
    if (!first.probe_few_choice.empty())
      result += ", 1 % of labels " + points(first.probe_few - row.probe_few);
    result += " points. ";
  }
  return result;
}

ARVIT_DEFINITION std::string demo_folder(std::string_view model) {
  return model == "SemAIM_Pico" ? "out/demo" : text("out/demo_", model);
}

/// The model that --variant names.
ARVIT_DEFINITION const DemoModel& demo_model(std::span<const DemoModel> models,
                                             const std::string& name) {
  std::string held;
  for (const DemoModel& model : models) {
    if (model.info.name == name) return model;
    held += text(held.empty() ? "" : ", ", model.info.name);
  }
  const std::vector<std::string> known = variant_names();
  if (std::find(known.begin(), known.end(), name) == known.end())
    fail_unknown_name("--variant", name, known);
  fail<OptionError>("--variant ", name, ": this program holds ", held, "; ./demo --variant ", name,
                    " builds and runs the one that holds it.");
}

ARVIT_DEFINITION RunOptions parse_demo(std::span<const DemoModel> models, int argc, char** argv) {
  RunOptions options;
  options.model = models.front().info.name;
  options.data = "/usr/share/datasets/fashion-mnist";
  options.files.out = demo_folder(options.model);
  options.schedule.epochs = 2;
  CommandLine line(
      "Pre-trains a model (SemAIM_Pico unless --variant names another), evaluates it and writes a "
      "report with pictures.\n\n"
      "Begin with:  ./demo    or    ./demo --variant MAE_Nano");
  line.add("variant", options.model,
           "any model of include/arvit/variants.hpp; ./demo builds the program that holds it");
  line.add("data", options.data, help_of_pictures());
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
  line.models(infos_of(models));
  line.parse(argc, argv);
  if (options.files.out == demo_folder(models.front().info.name))
    options.files.out = demo_folder(options.model);
  return options;
}

/// What no option of the demo says.
ARVIT_DEFINITION void choose_recipe(RunOptions& options, const DemoModel& model) {
  options.pictures.normalise = Normalise::measured;
  options.pictures.crop_min = 0.7;
  options.batch.size = 64;
  options.schedule.lr = 2e-3 * 64 / model.describe().dim;
  options.schedule.warmup = 0.2;
  options.files.log_every = 10;
  if (model.needs().orders_from_average) options.optimiser.ema = 0.999;
  for (const std::string& path : {options.teacher.path, options.teacher.condition})
    if (look_at(path).is(Source::Kind::numbers)) options.pictures.whole_picture = true;
}

/// Feature sets to choose among: all tokens, which keep the places of things, where the closed form
/// has no more unknowns than pictures.
ARVIT_DEFINITION FeatureOptions offered_features(const ModelDescription& encoder, int batch) {
  const int depth = encoder.depth;
  if (encoder.class_token && encoder.tokens() * encoder.dim <= evaluation_pictures)
    return {.batch = batch,
            .features = {{Readout::class_token, depth},
                         {Readout::mean, depth},
                         {Readout::tokens, depth / 2},
                         {Readout::tokens, depth}}};
  return {.batch = batch, .features = all_layers(depth, encoder.class_token)};
}

/// A demo whose model is pre-trained; makes the parts of its report.
class Demo {
 public:
  Demo(const DemoModel& model, const RunOptions& options, const AnyDataset& train,
       const std::string& checkpoint)
      : model_(model),
        options_(options),
        train_(train),
        device_({options.machine.threads.value_or(0), {}}),
        info_(EncoderInfo::of(Safetensors(checkpoint))),
        description_(model.describe()) {}

  const Cpu<Fp32>& device() const { return device_; }
  const std::string& checkpoint() const { return info_.path; }

  /// The model, the encoder untrained, raw pixels, and the teacher where it is an encoder.
  void add_accuracies(Report& report) {
    const double share = std::min(
        1.0, static_cast<double>(evaluation_pictures) / static_cast<double>(train_.size()));
    const Subset<> labelled(train_, stratified_fraction(labels_of(train_), share, options_.seed));
    const std::vector<AccuracyRow> rows = accuracies(labelled, share);
    std::cout << accuracy_table_text(rows);
    std::vector<std::vector<std::string>> cells;
    for (const AccuracyRow& row : rows)
      cells.push_back({row.name, percent(row.knn), percent(row.probe),
                       row.probe_few_choice.empty() ? "-" : percent(row.probe_few),
                       text(row.knn_choice, "; ", row.probe_choice)});
    const std::vector<std::string> columns{"features", "k-NN", "linear probe",
                                           "probe, 1 % of labels", "chosen on training pictures"};
    report.heading("Accuracy on the test pictures")
        .table(columns, cells)
        .paragraph(text("k-NN and probes use ", labelled.size(),
                        " training pictures, drawn class by class. Feature, neighbours and penalty "
                        "were chosen on held-out training pictures, by the same protocol in every "
                        "row; the test pictures were used once. ",
                        margin_sentence(rows)));
  }

  /// What the model predicts, where that can be seen, and how it reads.
  void add_pictures(Report& report) {
    const auto parameters = load_tensors(checkpoint(), description_.tensors);
    const PictureBatch batch = draw_pictures(
        train_, transform_of(description_, info_.normalisation), 6, options_.seed);
    const LoadedModel loaded{device_, info_, parameters, batch};
    if (model_.predictions != nullptr)
      report.heading("Predictions")
          .paragraph(
              "Every predicted patch is predicted from what the model may read before it. The "
              "picture says how predictions became pixels.")
          .picture(model_.predictions(loaded));
    if (model_.needs().target.maker == ModelNeeds::Maker::tokenizer &&
        look_at(options_.teacher.path).is(Source::Kind::codebook))
      add_codebook(report);
    if (model_.maps == nullptr) return;
    const bool token = description_.class_token;
    report.heading(token ? "Order, similarity and attention" : "Order")
        .paragraph(token ? "Dark patches come first; of similarity to the class token and of its "
                           "attention, bright is most."
                         : "Dark patches come first.")
        .picture(model_.maps(loaded, 0, false));
  }

 private:
  std::vector<AccuracyRow> accuracies(const Subset<>& labelled, double share) {
    CompareOptions compare;
    compare.normalisation = info_.normalisation;
    compare.seed = options_.seed;
    compare.threads = options_.machine.threads.value_or(0);
    compare.protocol.seed = options_.seed;
    compare.protocol.knn.standardise = true;
    compare.protocol.probe.method = ProbeMethod::ridge;
    // The ones that are chosen; each is a system of 3200 unknowns.
    compare.protocol.probe.penalties = {1e-3, 1e-2, 1e-1, 1};
    // One in a hundred of all training pictures.
    compare.protocol.few = std::min(1.0, 0.01 / share);
    const AnyDataset test = open_dataset(options_.data, Split::test);
    const auto extractor = model_.extractor(device_, info_,
                                            offered_features(description_, compare.batch), {});
    auto rows = compare_with_baselines(*extractor, load_encoder(checkpoint(), description_.encoder),
                                       untrained(description_.encoder, options_.seed), labelled,
                                       test, compare);
    const Source source = look_at(options_.teacher.path);
    if (model_.teacher && source.is(Source::Kind::checkpoint)) {
      const ModelDescription teacher = model_.teacher->describe();
      const EncoderInfo info = EncoderInfo::of(Safetensors(source.path), "teacher");
      compare.normalisation = info.normalisation;
      const auto of_teacher = model_.teacher->extractor(
          device_, info, offered_features(teacher, compare.batch), {});
      rows.push_back(evaluate_encoder("its teacher", *of_teacher,
                                      load_encoder(source.path, teacher.encoder), labelled, test,
                                      compare));
    }
    return rows;
  }

  void add_codebook(Report& report) {
    const int height = description_.height;
    const int width = description_.width;
    const Codebook codebook = load_codebook(options_.teacher.path);
    const PictureBatch shown = draw_pictures(train_, transform_of(description_, {}), 16,
                                             options_.seed);
    const auto coded = coded_pictures(device_, codebook, shown.images, height, width);
    report.heading("The codebook")
        .paragraph(
            "Its patches from dark to bright; below, pictures above what their codes keep of them.")
        .picture(codebook_picture(codebook, shown.images, coded, height, width));
  }

  const DemoModel& model_;
  const RunOptions& options_;
  const AnyDataset& train_;
  Cpu<Fp32> device_;
  EncoderInfo info_;
  ModelDescription description_;
};

/// What taught the model; "" where nothing did. `own`: it was made first.
ARVIT_DEFINITION std::string teacher_text(const ModelNeeds& needs, const std::string& teacher,
                                          bool own) {
  if (needs.target.maker == ModelNeeds::Maker::nobody) return "";
  if (needs.target.maker == ModelNeeds::Maker::tokenizer)
    return text("Its codes come from ", teacher,
                own ? ", a codebook that k-means fitted to the patches of the same pictures first. "
                    : ". ");
  return text("Its teacher is ", teacher,
              own ? ", an encoder that SemAIM pre-trained on the same pictures first, with the "
                    "same options. "
                  : ". ");
}

/// How fast a run was.
struct Pace {
  double images = 0, seconds = 0;
  std::string sentence() const {
    if (images == 0) return "";
    return text(static_cast<std::int64_t>(images), " images in ", duration_text(seconds), ", ",
                static_cast<std::int64_t>(images / seconds), " images/s. ");
  }
};

}  // namespace detail

ARVIT_DEFINITION void demo(std::span<const DemoModel> models, int argc, char** argv) {
  RunOptions options = detail::parse_demo(models, argc, argv);
  const DemoModel& model = detail::demo_model(models, options.model);
  detail::choose_recipe(options, model);
  const AnyDataset train = open_dataset(options.data, Split::train);
  const bool own_teacher = options.teacher.path.empty();
  if (own_teacher) {
    const auto made = model.own_teacher(train, options);
    if (!made) throw Stopped{};
    options.teacher.path = *made;
  }
  const bool own_condition = options.teacher.condition.empty();
  if (own_condition) options.teacher.condition = model.own_condition(train, options);
  LineChart curve{"Pre-training loss", "images seen", "loss", {{"loss", {}, {}}}};
  detail::Pace pace;
  TrainerHooks hooks;
  hooks.after_step = [&](const StepRecord& step) {
    pace.images += options.batch.size;
    pace.seconds = step.seconds;
    curve.series[0].x.push_back(static_cast<double>(step.step) * options.batch.size);
    curve.series[0].y.push_back(step.loss);
  };
  const TrainingResult result = model.train(train, options, hooks);
  if (!result.complete) throw Stopped{};

  detail::Demo demo(model, options, train, result.checkpoint);
  const std::string& condition = options.teacher.condition;
  Report report(text("arvit: ", options.model, ", pre-trained and measured"));
  report.paragraph(text("Data set ", describe(train), ". ", model.words(), " ",
                        detail::teacher_text(model.needs(), options.teacher.path, own_teacher),
                        condition.empty() ? "" : text("Its condition comes from ", condition, ". "),
                        "Labels were not used. ", pace.sentence(), demo.device().describe(), "."));
  if (pace.images > 0) report.chart(curve);
  // Numbers in a file are of these pictures alone: there are none of test pictures.
  const auto of_numbers = [](const std::string& path) {
    return look_at(path).is(Source::Kind::numbers);
  };
  const bool of_a_file = (model.reads_codes && of_numbers(options.teacher.path)) ||
                         of_numbers(condition);
  if (of_a_file)
    report.paragraph(
        "What the encoder reads came from a file of these pictures alone, so its features of "
        "other pictures were not measured.");
  else if (class_names(train).size() > 1 && has_test_split(options.data))
    demo.add_accuracies(report);
  demo.add_pictures(report);
  report.heading("What was run")
      .preformatted(text("./demo --variant ", options.model, " --data ", options.data, " --epochs ",
                         options.schedule.epochs, " --seed ", options.seed,
                         own_teacher ? "" : " --teacher " + options.teacher.path,
                         own_condition ? "" : " --condition " + condition, "\n",
                         demo.device().describe(), "\ncheckpoint: ", demo.checkpoint()));
  report.write(options.files.out + "/report.html");
  std::cout << "Report: " << options.files.out << "/report.html\n";
}

}  // namespace arvit::program
