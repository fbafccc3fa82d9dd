// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/workbench/variant_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include "arvit/data/open_dataset.hpp"
#include "arvit/eval/compare.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/json_reader.hpp"
#include "arvit/io/json_writer.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/train/memory.hpp"

namespace arvit::program {

namespace detail {

/// What is known of a run or of a floor, kept in a file; `key` says of which pictures and options.
/// Numbers that are 0 were not measured.
struct TableRow {
  std::string key;
  AccuracyRow accuracy;
  double epochs = 0, images_per_second = 0;
  double peak = 0;  ///< bytes that training added to the process
  double plan = 0;  ///< bytes of its memory plan
};
template <class R, class Visit> void for_each_number(R& row, Visit&& visit) {
  visit("knn", row.accuracy.knn);
  visit("probe", row.accuracy.probe);
  visit("epochs", row.epochs);
  visit("images_per_second", row.images_per_second);
  visit("peak", row.peak);
  visit("plan", row.plan);
}
template <class R, class Visit> void for_each_text(R& row, Visit&& visit) {
  visit("key", row.key);
  visit("name", row.accuracy.name);
  visit("knn_choice", row.accuracy.knn_choice);
  visit("probe_choice", row.accuracy.probe_choice);
}

ARVIT_DEFINITION void save_row(const std::string& file, const TableRow& row) {
  JsonWriter json;
  json.begin_object();
  const auto member = [&](const char* name, const auto& value) { json.member(name, value); };
  for_each_text(row, member);
  for_each_number(row, member);
  write_atomically(file, json.end_object().text());
}

/// The row in a file; none when there is no file, or that of another key.
ARVIT_DEFINITION std::optional<TableRow> load_row(const std::string& file, const std::string& key) {
  if (!std::filesystem::exists(file)) return {};
  const std::string json = read_text(file);
  TableRow row;
  JsonReader reader(json, file);
  reader.object([&](const std::string& name) {
    bool known = false;
    for_each_text(row, [&](const char* member, std::string& value) {
      if (name != member) return;
      value = reader.string();
      known = true;
    });
    if (known) return;
    const double number = std::strtod(std::string(reader.raw()).c_str(), nullptr);
    for_each_number(row, [&](const char* member, double& value) {
      if (name == member) value = number;
    });
  });
  return row.key == key ? std::optional(row) : std::nullopt;
}

/// Images/s of a whole run, however many processes it took, from its log.
ARVIT_DEFINITION double logged_rate(const std::string& folder) {
  std::ifstream log(folder + "/log.csv");
  std::string line, cell;
  std::getline(log, line);
  std::istringstream header(line);
  int column = 0;
  while (std::getline(header, cell, ',') && cell != "images_per_second") ++column;
  int rows = 0;
  double seconds = 0;  // for one image in each of the rows
  for (; std::getline(log, line); ++rows) {
    std::istringstream cells(line);
    for (int i = 0; i <= column; ++i) std::getline(cells, cell, ',');
    seconds += 1 / std::strtod(cell.c_str(), nullptr);
  }
  return rows > 0 ? rows / seconds : 0;
}

/// `name` as a folder.
ARVIT_DEFINITION std::string folder_of(std::string name) {
  for (char& c : name)
    if (c == ' ' || c == ',') c = '_';
  return name;
}

ARVIT_DEFINITION std::string table_number(double value, const char* format) {
  char digits[32];
  std::snprintf(digits, sizeof digits, format, value);
  return value > 0 ? digits : "-";
}
ARVIT_DEFINITION std::string table_line(const TableRow& row) {
  return text("| ", row.accuracy.name, " | ", table_number(100 * row.accuracy.knn, "%.2f"), " | ",
              table_number(100 * row.accuracy.probe, "%.2f"), " | ",
              table_number(row.images_per_second, "%.0f"), " | ",
              table_number(row.plan / (1 << 20), "%.0f"), " | ",
              table_number(row.peak / (1 << 20), "%.0f"), " |");
}
/// What a second run of the same variant adds to its line.
ARVIT_DEFINITION std::string timed_cells(const TableRow& row) {
  return text(" ", table_number(row.epochs, "%.2f"), " | ",
              table_number(100 * row.accuracy.knn, "%.2f"), " | ",
              table_number(100 * row.accuracy.probe, "%.2f"), " |");
}

class VariantTable {
 public:
  VariantTable(const TableModel& teacher, RunOptions options, double minutes)
      : teacher_(teacher),
        options_(std::move(options)),
        minutes_(minutes),
        train_(open_dataset(options_.data, Split::train)),
        test_(open_dataset(options_.data, Split::test)),
        device_({options_.machine.threads.value_or(0), {}}),
        untrained_(extractor(teacher, {})) {
    compare_.normalisation = measure_normalisation(train_);
    compare_.seed = options_.seed;
    compare_.threads = options_.machine.threads.value_or(0);
    compare_.protocol.seed = options_.seed;
    compare_.protocol.few = 0;
    compare_.protocol.probe.method = ProbeMethod::ridge;
    compare_.protocol.knn.standardise = true;
  }

  /// Its rows: after as many images and, if asked for, after as much time.
  void add(const TableModel& model) {
    const std::string name(model.info.name);
    std::string line = text("| ", name, " | - | - | - | - | - |");
    std::string timed_part = minutes_ > 0 ? " - | - | - |" : "";
    try {
      const TableRow row = row_of(model, folder_of(name), options_.schedule.epochs);
      line = table_line(row);
      choices_.push_back(row);
      if (minutes_ > 0) {
        const TableRow timed = row_of(model, folder_of(name) + "_minutes", epochs_in_time(row));
        timed_part = timed_cells(timed);
        choices_.push_back(timed);
        choices_.back().accuracy.name += text(", ", minutes_, " minutes");
      }
    } catch (const NumericError& error) {  // the others go on
      failures_ += text(name, ": ", error.what(), "\n");
    }
    rows_.push_back(line + timed_part);
    write();
  }

  /// What any pre-training must beat.
  void add_floors() {
    add_floor("untrained", [&] {
      return std::optional(evaluate_encoder("untrained", *untrained_,
                                            untrained(teacher_.describe().encoder, options_.seed),
                                            train_, test_, compare_));
    });
    add_floor("raw pixels",
              [&] { return evaluate_pixels(teacher_.needs().shape, train_, test_, compare_); });
    std::cout << text_of_all();
  }

 private:
  std::unique_ptr<FeatureSource<float>> extractor(const TableModel& model,
                                                  const EncoderInfo& info) {
    const ModelDescription encoder = model.describe();
    return model.extractor(
        device_, info, {.batch = 64, .features = all_layers(encoder.depth, encoder.class_token)},
        {});
  }

  /// As many as fill the time, at the speed of a run that is done.
  double epochs_in_time(const TableRow& row) const {
    const double epochs = 60 * minutes_ * row.images_per_second /
                          static_cast<double>(train_.size());
    return std::max(1e-3, 1e-3 * std::round(1e3 * epochs));
  }

  std::string key_of(double epochs) const {
    return text(describe(train_), "; ", describe(test_), "; epochs ", epochs, " of ",
                options_.schedule.epochs, ", batch ", options_.batch.size, ", lr ",
                options_.peak_learning_rate(), ", warmup ", options_.schedule.warmup, ", crop-min ",
                options_.pictures.crop_min, ", seed ", options_.seed);
  }

  /// The options of a variant's run, after what teaches it was made.
  RunOptions options_of(const TableModel& model, const std::string& folder, double epochs) {
    RunOptions options = options_;
    options.files.resume = true;
    const ModelNeeds needs = model.needs();
    const std::string codebook = text(options.files.out, "/codebook", needs.shape.patch,
                                      ".safetensors");
    if (needs.condition.maker == ModelNeeds::Maker::tokenizer) {
      options.teacher.condition = codebook;
      fit_own_codebook(train_, options, codebook, needs.shape, needs.condition.codes);
    }
    if (needs.target.maker == ModelNeeds::Maker::tokenizer) {
      options.teacher.path = codebook;
      fit_own_codebook(train_, options, codebook, needs.shape, needs.target.codes);
    } else if (needs.target.maker == ModelNeeds::Maker::encoder) {
      const std::string teachers = folder_of(std::string(teacher_.info.name));
      options.teacher.path = options.files.out + "/" + teachers;
      row_of(teacher_, teachers, options.schedule.epochs);
    }
    options.model = model.info.name;
    options.files.out += "/" + folder;
    options.schedule.warmup *= epochs / options.schedule.epochs;
    options.schedule.epochs = epochs;
    return options;
  }

  /// Pre-trains: the checkpoint, and in `row` what the run cost.
  std::string train(const TableModel& model, const RunOptions& options, TableRow& row) {
    return_freed_memory();  // what evaluations left would hide what training takes
    const bool counts = forget_peak();
    const std::int64_t before = process_bytes("VmRSS");
    bool trains = false;
    TrainerHooks hooks;
    hooks.after_step = [&](const StepRecord&) { trains = true; };
    const TrainingResult result = model.train(train_, options, hooks);
    if (!result.complete) {
      std::cout << "The same command continues the table." << std::endl;
      throw Stopped{};
    }
    if (trains && counts) row.peak = static_cast<double>(process_bytes("VmHWM") - before);
    row.epochs = options.schedule.epochs;
    row.images_per_second = logged_rate(options.files.out);
    const int micro = default_micro_batch(options.batch.size, model.needs().shape.patches());
    row.plan = static_cast<double>(model.plan({.micro_batch = micro}).total());
    return result.checkpoint;
  }

  /// Pre-trains and evaluates, or takes what is finished in the folder.
  TableRow row_of(const TableModel& model, const std::string& folder, double epochs) {
    const RunOptions options = options_of(model, folder, epochs);
    const std::string file = options.files.out + "/row.json";
    const std::string key = key_of(epochs);
    const std::string trained_key = "trained, not evaluated; " + key;
    if (const auto known = load_row(file, key)) return *known;
    TableRow row = load_row(file, trained_key).value_or(TableRow{});
    const std::string checkpoint = train(model, options, row);
    row.key = trained_key;
    save_row(file, row);
    const auto features = extractor(model, EncoderInfo::of(Safetensors(checkpoint)));
    row.accuracy = evaluate_encoder(options.model, *features,
                                    load_encoder(checkpoint, model.describe().encoder), train_,
                                    test_, compare_);
    row.key = key;
    save_row(file, row);
    return row;
  }

  template <class Evaluate> void add_floor(const std::string& name, const Evaluate& evaluate) {
    const std::string file = options_.files.out + "/" + folder_of(name) + ".json";
    const std::string key = key_of(0);
    std::optional<TableRow> row = load_row(file, key);
    if (!row) {
      const std::optional<AccuracyRow> accuracy = evaluate();
      if (!accuracy) return;
      row = TableRow{.key = key, .accuracy = *accuracy};
      save_row(file, *row);
    }
    rows_.push_back(table_line(*row) + (minutes_ > 0 ? " - | - | - |" : ""));
    choices_.push_back(*row);
    write();
  }

  std::string text_of_all() const {
    const bool timed = minutes_ > 0;
    std::string table = text(
        "| variant | k-NN, % | linear probe, % | images/s | plan, MiB | peak, MiB |",
        timed ? text(" epochs in ", minutes_, " min | k-NN, % | linear probe, % |") : std::string(),
        "\n|---|---|---|---|---|---|", timed ? "---|---|---|" : "", "\n");
    for (const std::string& row : rows_) table += row + "\n";
    table += text("\n", describe(train_), "; ", options_.schedule.epochs, " epochs in batches of ",
                  options_.batch.size, ", seed ", options_.seed, "; ", device_.describe(), ". ",
                  timed ? text("On the right, runs with a schedule as long as ", minutes_,
                               " minutes at the speed of those on the left; the time of a "
                               "teacher's or a codebook's making is not in it. ")
                        : std::string(),
                  "Plan: of the step; peak: what training added to the process.\n\n");
    for (const TableRow& row : choices_)
      table += text(row.accuracy.name, ": k-NN on ", row.accuracy.knn_choice, "; probe on ",
                    row.accuracy.probe_choice, ".\n");
    return table + failures_;
  }
  void write() const { write_atomically(options_.files.out + "/table.md", text_of_all()); }

  const TableModel& teacher_;
  RunOptions options_;
  double minutes_;
  AnyDataset train_, test_;
  CompareOptions compare_;
  Cpu<Fp32> device_;
  std::unique_ptr<FeatureSource<float>> untrained_;
  std::vector<std::string> rows_;
  std::vector<TableRow> choices_;
  std::string failures_;
};

struct TableCommand {
  RunOptions options;
  std::string variants;  ///< their names, separated by semicolons; empty: all methods
  bool arms = false;
  double minutes = 0;

  /// All methods, and with --arms all arms, unless --variants names some.
  std::vector<const TableModel*> wanted(const TableModels& models) const {
    std::vector<const TableModel*> offered;
    for (const TableModel& model : models.methods) offered.push_back(&model);
    if (arms || !variants.empty())
      for (const TableModel& model : models.arms) offered.push_back(&model);
    if (variants.empty()) return offered;
    std::vector<std::string> known, named;
    for (const TableModel* model : offered) known.emplace_back(model->info.name);
    std::istringstream stream(variants);
    for (std::string name; std::getline(stream, name, ';');) {
      if (std::find(known.begin(), known.end(), name) == known.end())
        fail_unknown_name("--variants", name, known);
      named.push_back(name);
    }
    std::erase_if(offered, [&](const TableModel* model) {
      return std::find(named.begin(), named.end(), model->info.name) == named.end();
    });
    return offered;
  }
};

ARVIT_DEFINITION TableCommand parse_table(int argc, char** argv) {
  TableCommand command;
  RunOptions& options = command.options;
  options.files.out = "out/variants";
  options.batch.size = 64;
  options.schedule.lr = 2e-3;
  options.schedule.epochs = 10;
  options.schedule.warmup = 0.5;
  options.pictures.normalise = Normalise::measured;
  options.files.log_every = 10;
  CommandLine line(
      "Pre-trains every variant with one small encoder on the same pictures and compares the "
      "features.\n\nBegin with:  variant_table --data cifar10");
  line.add("data", options.data, text(help_of_pictures(), "; training and test"), "Options", true);
  line.add("out", options.files.out, "folder for the runs and table.md");
  line.add("variants", command.variants,
           "some of them, separated by semicolons; empty: all methods");
  line.add("arms", command.arms, "ablation arms, too");
  line.add("epochs", options.schedule.epochs,
           "passes over the pictures, the same for each variant");
  line.add("minutes", command.minutes,
           "a second run of each variant, as long as its speed fills this time; 0: none");
  line.add("batch", options.batch.size, "images per optimiser step");
  line.add("lr", options.schedule.lr, "peak learning rate");
  line.add("warmup", options.schedule.warmup, "epochs of linear warm-up");
  line.add("crop-min", options.pictures.crop_min, "smallest area of the random crop");
  line.add("seed", options.seed, "seed of everything random");
  line.add("threads", options.machine.threads, "threads; 0: all cores");
  line.parse(argc, argv);
  const double minutes = command.minutes;
  if (!(minutes >= 0 && std::isfinite(minutes)))
    fail<OptionError>("--minutes is ", minutes, "; it must be a number of at least 0.");
  check(options);
  return command;
}

}  // namespace detail

ARVIT_DEFINITION void variant_table(const TableModels& models, int argc, char** argv) {
  const detail::TableCommand command = detail::parse_table(argc, argv);
  const std::vector<const TableModel*> wanted = command.wanted(models);
  make_writable_folder(command.options.files.out);
  const FolderLock lock(command.options.files.out);
  const TableModel& teacher = find_model(std::span<const TableModel>(models.methods),
                                         models.teacher);
  detail::VariantTable table(teacher, command.options, command.minutes);
  for (const TableModel* model : wanted) table.add(*model);
  table.add_floors();
}

}  // namespace arvit::program
