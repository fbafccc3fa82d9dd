// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/run/prepared_run.hpp"

#include <filesystem>
#include <ostream>
#include <system_error>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/io/file.hpp"
#include "arvit/io/folder.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/teacher/cache.hpp"
#include "arvit/teacher/codebook.hpp"
#include "arvit/teacher/conditions.hpp"
#include "arvit/teacher/stored.hpp"
#include "arvit/teacher/tokenizer.hpp"
#include "arvit/train/checkpoint_folder.hpp"

namespace arvit {

namespace detail {

using Maker = ModelNeeds::Maker;

ARVIT_DEFINITION std::vector<int> labels_in(const AnyDataset& pictures) {
  std::vector<int> labels;
  for (std::int64_t i = 0; i < pictures.size(); ++i) labels.push_back(pictures.label(i));
  return labels;
}

/// Numbers in a file go by the pictures' numbers, and belong to whole pictures.
ARVIT_DEFINITION void check_numbers(const std::string& flag, const Source& source,
                                    const ModelNeeds::Numbers& numbers, const PreparedRun& run) {
  if (!run.options.pictures.whole_picture)
    fail<OptionError>(flag, " ", source.path,
                      " holds what belongs to whole pictures; give --whole-picture, or one that "
                      "looks at each crop.");
  if (run.options.pictures.bad_files != OnBadFile::fail)
    fail<OptionError>(
        flag, " ", source.path,
        " goes by the pictures' numbers, so none may stand in for another; give --bad-files stop.");
  const StoredTeacher shape_fits(source.path, run.pictures.size(), numbers.width,
                                 numbers.token_width);
}

/// What makes `numbers`, which lies at `source`, as --teacher or --condition.
ARVIT_DEFINITION void check_maker(const std::string& flag, const Source& source,
                                  const ModelNeeds::Numbers& numbers, const PreparedRun& run) {
  if (source.is(Source::Kind::numbers)) return check_numbers(flag, source, numbers, run);
  if (numbers.maker == Maker::tower)
    fail<OptionError>(flag, " ", source.path,
                      ": the features of this tower come from an npy file; give one, [pictures, ",
                      numbers.token_width > 1 ? "tokens, width]." : "width].");
  if (numbers.maker == Maker::encoder) {
    if (source.is(Source::Kind::codebook))
      fail<OptionError>(flag, " ", source.path, " is a codebook, ", run.options.model,
                        " needs the features of ", numbers.type, "; give a checkpoint of it.");
    const Safetensors file(source.path);
    check_teacher_type(file, numbers.type);
    check_encoder(file, numbers.tensors);
  }
}

ARVIT_DEFINITION void check_teacher(const PreparedRun& run) {
  const std::string& path = run.options.teacher.path;
  const ModelNeeds::Numbers& target = run.model.target;
  if (target.maker == Maker::nobody) {
    if (!path.empty())
      fail<OptionError>("--teacher ", path, ": ", run.options.model,
                        " predicts nothing of a teacher; drop --teacher.");
    return;
  }
  if (path.empty())
    fail<OptionError>(run.options.model,
                      target.maker == Maker::tokenizer
                          ? " works on the codes of a tokenizer; give --teacher, a codebook "
                            "(fit_codebook makes one) or an npy file of codes."
                          : " predicts the features of a teacher; give --teacher, a checkpoint or "
                            "an npy file of features.");
  check_maker("--teacher", run.teacher, target, run);
  if (target.maker == Maker::tokenizer && !run.teacher.is(Source::Kind::numbers))
    check_codebook(load_codebook(run.teacher.path), run.teacher.path, target.codes,
                   run.model.shape);
}

ARVIT_DEFINITION void check_condition(const PreparedRun& run) {
  const std::string& path = run.options.teacher.condition;
  const ModelNeeds::Numbers& condition = run.model.condition;
  if (condition.maker == Maker::nobody) {
    if (!path.empty())
      fail<OptionError>("--condition ", path, ": ", run.options.model,
                        " has no condition that a file makes; drop --condition.");
    return;
  }
  if (path.empty())
    fail<OptionError>(
        "the model has a condition that a teacher or tokenizer makes; give --condition, a "
        "checkpoint, a codebook or an npy file.");
  check_maker("--condition", run.condition, condition, run);
  if (condition.maker == Maker::tokenizer && !run.condition.is(Source::Kind::numbers)) {
    const Codebook codebook = load_codebook(run.condition.path);
    ImageShape shape = run.model.shape;
    shape.patch = codebook.patch;  // which need not be the model's
    check_codebook(codebook, run.condition.path, condition.codes, shape);
    check_patches(shape);
  }
}

ARVIT_DEFINITION void check_pictures(const PreparedRun& run) {
  const RunOptions& options = run.options;
  if (options.batch.size > run.pictures.size())
    fail<OptionError>("--batch ", options.batch.size, ": a batch of ", options.batch.size,
                      " pictures cannot be drawn from a data set of ", run.pictures.size(),
                      "; choose a batch of at most ", run.pictures.size(),
                      ", or give more pictures.");
  if (run.model.label_classes == 0) return;
  if (options.pictures.bad_files != OnBadFile::fail)
    fail<OptionError>(options.model,
                      " has labels as a condition, which go by the pictures' numbers, so none may "
                      "stand in for another; give --bad-files stop.");
  check_labels(run.model.label_classes, labels_in(run.pictures));
}

ARVIT_DEFINITION void check_start(const PreparedRun& run) {
  const RunOptions& options = run.options;
  if (run.model.orders_from_average && !options.optimiser.keeps_average())
    fail<OptionError>("--ema is 0, but the orders of ", options.model,
                      " come from an average of the encoder; give --ema 0.999.");
  const std::string newest = CheckpointFolder(options.files.out).newest();
  if (newest.empty()) return;
  if (!options.files.resume) fail_already_there(options.files.out, newest);
  RunInfo info;
  info.options = stored_options(options);
  CheckpointInfo expected = CheckpointInfo::of_run(info, options, 0,
                                                   run.pictures.size() / options.batch.size);
  expected.model = run.model.type;
  CheckpointFolder(options.files.out)
      .use_newest(
          [&](const std::string& path) {
            check_continues(Safetensors(path), run.model.parameters, expected);
          },
          [](const std::string&) {});  // said by the trainer, who reads all of it
}

ARVIT_DEFINITION void check_places(const PreparedRun& run) {
  const std::string& cache = run.options.teacher.cache;
  std::error_code error;
  if (!cache.empty()) {
    if (run.teacher.is(Source::Kind::none) || run.teacher.is(Source::Kind::numbers))
      fail<OptionError>("--teacher-cache ", cache, " keeps what a teacher computes, and ",
                        run.teacher.is(Source::Kind::none) ? "there is none"
                                                           : run.teacher.path + " computes nothing",
                        "; drop it.");
    if (!std::filesystem::exists(cache, error)) const AtomicFile can_be_made(cache);
  }
  make_writable_folder(run.options.files.out);
  const FolderLock nobody_writes_there(run.options.files.out);
}

ARVIT_DEFINITION void note_codebook(const Source& source, const PreparedRun& run,
                                    const std::string& contents, std::ostream& output) {
  if (!source.is(Source::Kind::codebook)) return;
  const std::string line = codebook_note(source.path, contents, run.model.shape);
  if (!line.empty()) output << line << std::endl;
}

}  // namespace detail

ARVIT_DEFINITION PreparedRun resolve(RunOptions options, ModelNeeds model, AnyDataset pictures) {
  using detail::Maker;
  check(options);
  if (!options.batch.micro)
    options.batch.micro = default_micro_batch(options.batch.size, model.shape.patches());
  PreparedRun run{std::move(options), std::move(model), std::move(pictures)};
  TeacherOptions& paths = run.options.teacher;
  if (run.model.target.maker != Maker::nobody) {
    run.teacher = look_at(paths.path);
    paths.path = run.teacher.path;  // a run that is resumed has the same
  }
  if (run.model.condition.maker != Maker::nobody) {
    run.condition = look_at(paths.condition);
    paths.condition = run.condition.path;
  }
  std::string& init = run.options.files.init;
  const Source start = look_at(init);
  if (!start.is(Source::Kind::none) && !start.is(Source::Kind::checkpoint))
    fail<OptionError>("--init ", init, " is ",
                      start.is(Source::Kind::codebook) ? "a codebook" : "an npy file",
                      "; give a checkpoint, or the folder of a run.");
  init = start.path;
  return run;
}

ARVIT_DEFINITION void check(const PreparedRun& run) {
  detail::check_teacher(run);
  detail::check_condition(run);
  detail::check_pictures(run);
  detail::check_start(run);
  detail::check_places(run);
}

ARVIT_DEFINITION void fail_already_there(const std::string& folder, const std::string& file) {
  fail<OptionError>("--out ", folder, " already holds ", file,
                    "; continue that run with --resume, or choose another folder.");
}

ARVIT_DEFINITION void announce(const PreparedRun& run, const std::string& device,
                               std::ostream& output) {
  const RunOptions& options = run.options;
  output << options.model << ": " << run.model.parameter_count << " parameters\n"
         << options.data << ": " << describe(run.pictures) << '\n'
         << device << '\n'
         << options.schedule.epochs << " epochs, batches of " << options.batch.size
         << " in micro-batches of " << options.batch.images_per_micro_batch() << std::endl;
  if (!run.model.reads_codebook()) return;
  const std::string contents = contents_text(run.pictures);
  detail::note_codebook(run.teacher, run, contents, output);
  detail::note_codebook(run.condition, run, contents, output);
}

ARVIT_DEFINITION TeacherPictures teacher_pictures(const PreparedRun& run,
                                                  const TrainingPictures& pictures) {
  return {
      .colours = pictures.normalisation(),
      .micro_batch = run.options.batch.images_per_micro_batch(),
      .count = run.pictures.size(),
      .labels = run.model.label_classes > 0 ? detail::labels_in(run.pictures) : std::vector<int>()};
}

ARVIT_DEFINITION FrozenTeacher with_cache(FrozenTeacher teacher, const PreparedRun& run,
                                          const TrainingPictures& pictures, std::ostream* output) {
  const RunOptions& options = run.options;
  if (options.teacher.cache.empty()) return teacher;
  TeacherCacheOptions cache;
  cache.path = options.teacher.cache;
  cache.key = {{"pictures", contents_text(run.pictures)}, {"crops", pictures.crops()}};
  cache.pictures = run.pictures.size();
  cache.views = options.pictures.crops(options.schedule.epochs);
  cache.image_width = run.model.shape.size();
  cache.width = run.model.target.width;
  cache.gigabytes = options.teacher.cache_gigabytes;
  return cached(std::move(teacher), std::move(cache), output);
}

ARVIT_DEFINITION RunInfo info_of(const PreparedRun& run, const TrainingPictures& pictures,
                                 FrozenTeacher teacher) {
  return {describe(run.pictures), pictures.normalisation().mean, pictures.normalisation().deviation,
          std::move(teacher), stored_options(run.options)};
}

}  // namespace arvit
