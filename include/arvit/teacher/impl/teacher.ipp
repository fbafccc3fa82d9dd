// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/teacher.hpp"

#include "arvit/core/error.hpp"
#include "arvit/io/json_reader.hpp"
#include "arvit/io/mapped_file.hpp"
#include "arvit/io/npy.hpp"

namespace arvit {

ARVIT_DEFINITION std::shared_ptr<Tokenizer> open_tokenizer(const std::string& file, int codes,
                                                           ImageShape shape,
                                                           const Normalisation& pictures,
                                                           int threads) {
  const Codebook codebook = load_codebook(file);
  if (codebook.codes() != codes || codebook.patch != shape.patch)
    fail<OptionError>(file, ": is a codebook of ", codebook.codes(), " codes for patches of ",
                      codebook.patch, " pixels, the model needs ", codes, " for patches of ",
                      shape.patch, "; fit one with fit_codebook --codes ", codes, " --patch ",
                      shape.patch, " --size ", shape.height, ".");
  return std::make_shared<Tokenizer>(threads, codebook, shape.height, shape.width, pictures);
}
ARVIT_DEFINITION GivenFunction<float> make_tokenizer(const std::string& file, int codes,
                                                     ImageShape shape,
                                                     const Normalisation& pictures, int threads) {
  return [tokenizer = open_tokenizer(file, codes, shape, pictures, threads)](
             const float* images, std::int64_t count, float* given) {
    tokenizer->codebook(images, count, given);
  };
}
ARVIT_DEFINITION TeacherFunction label_condition(int classes, const std::vector<int>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] >= classes)
      fail<OptionError>("condition: picture ", i, " has label ", labels[i], ", the model's Labels<",
                        classes, "> ends at ", classes - 1, "; give pictures of as many classes.");
  return [classes, labels](const float*, std::span<const Counter> pictures, float* given) {
    for (const Counter& picture : pictures) {
      const int label = picture.image < labels.size() ? labels[picture.image] : -1;
      const bool unknown = label < 0 || Stream(picture.with(Purpose::condition)).uniform() < 0.1f;
      *given++ = static_cast<float>(unknown ? classes : label);
    }
  };
}
ARVIT_DEFINITION TeacherFunction share_of_codes(std::shared_ptr<Tokenizer> tokenizer, int codes) {
  return [tokenizer, codes, of_patches = std::vector<float>()](
             const float* images, std::span<const Counter> pictures, float* given) mutable {
    const auto count = static_cast<std::int64_t>(pictures.size()),
               patches = std::int64_t{tokenizer->codebook.width()};
    of_patches.resize(static_cast<std::size_t>(count * patches));
    tokenizer->codebook(images, count, of_patches.data());
    std::fill(given, given + count * codes, 0.f);
    for (std::int64_t i = 0; i < count * patches; ++i)
      given[i / patches * codes +
            static_cast<std::int64_t>(of_patches[static_cast<std::size_t>(i)])] +=
          1.f / static_cast<float>(patches);
  };
}
ARVIT_DEFINITION FrozenTeacher with_conditions(FrozenTeacher teacher, FrozenTeacher conditions,
                                               std::int64_t token_given_width) {
  teacher.memory.insert(teacher.memory.end(), conditions.memory.begin(), conditions.memory.end());
  teacher.identity += (teacher.identity.empty() || conditions.identity.empty() ? "" : "; ") +
                      conditions.identity;
  teacher.give = [first = std::move(teacher.give), then = std::move(conditions.give),
                  token_given_width](const float* images, std::span<const Counter> pictures,
                                     float* given) {
    if (token_given_width > 0) first(images, pictures, given);
    then(images, pictures, given + token_given_width * static_cast<std::int64_t>(pictures.size()));
  };
  return teacher;
}
ARVIT_DEFINITION void check_stored(const std::string& option, const std::string& file,
                                   const RunOptions& options) {
  if (!options.whole_picture)
    fail<OptionError>(option, " ", file,
                      " holds what belongs to whole pictures; give --whole-picture, or one that "
                      "looks at each crop.");
  if (options.bad_files != "stop")
    fail<OptionError>(
        option, " ", file,
        " goes by the pictures' numbers, so none may stand in for another; give --bad-files stop.");
}
ARVIT_DEFINITION std::string codebook_note(const std::string& file, const std::string& contents,
                                           const ImageShape& shape) {
  const Codebook codebook = load_codebook(file);
  if (codebook.contents.empty()) return {};
  if (codebook.contents != contents)
    return text(file, ": note that it was fitted to other pictures (", codebook.data, ").");
  if (codebook.picture_height == shape.height && codebook.picture_width == shape.width) return {};
  return text(file, ": note that it was fitted to these pictures at ", codebook.picture_height,
              " x ", codebook.picture_width, " pixels, the model sees them at ", shape.height,
              " x ", shape.width, ".");
}
ARVIT_DEFINITION std::string run_option(const Safetensors& checkpoint, const std::string& option) {
  std::string named;
  if (checkpoint.metadata().contains("options")) {
    const auto options = detail::json_members(checkpoint.metadata().at("options"),
                                              checkpoint.path() + " (its metadata 'options')");
    if (const auto found = options.find(option); found != options.end())
      named = JsonReader(found->second, checkpoint.path()).string();
  }
  if (named.empty() || named.ends_with(".npy"))
    fail<OptionError>(
        checkpoint.path(), ": its encoder needs what --", option, " made in its run, ",
        named.empty() ? "and the file names none"
                      : text(named, ", which holds that run's pictures only"),
        "; give --", option == "teacher" ? "codebook" : option, ", or choose another checkpoint.");
  return named;
}
ARVIT_DEFINITION void check_gave(const Safetensors& checkpoint, const std::string& file,
                                 const std::string& identity) {
  const auto gave = checkpoint.metadata().find("given_by");
  if (gave != checkpoint.metadata().end() && !gave->second.empty() &&
      gave->second.find(identity) == std::string::npos)
    fail<OptionError>(file, ": is not what the run of ", checkpoint.path(), " had; it is ",
                      identity, ", the run had ", gave->second, "; give that.");
}
ARVIT_DEFINITION std::string codebook_of(const Safetensors& checkpoint, const std::string& now) {
  std::string file = now.empty() ? run_option(checkpoint, "teacher") : now;
  check_gave(checkpoint, file, identity_of(load_codebook(file)));
  return file;
}

ARVIT_DEFINITION StoredTeacher::StoredTeacher(const std::string& path, std::int64_t pictures,
                                              std::int64_t width, std::int64_t token_width)
    : path_(path), width_(width) {
  const NpyLayout stored = read_npy_layout<float>(MappedFile(path), path);
  std::vector<std::int64_t> expected{pictures, width / token_width};
  if (token_width > 1) expected.push_back(token_width);
  if (!std::equal(stored.shape.begin(), stored.shape.end(), expected.begin(), expected.end(),
                  [](auto a, auto b) { return std::cmp_equal(a, b); }))
    fail<ShapeError>(path, ": its shape is ", shape_text(stored.shape), ", ", shape_text(expected),
                     " was expected; use what this model's teacher says of this data set.");
  if (stored.column_major)
    fail<ShapeError>(path,
                     ": its numbers are in Fortran order, so those of a picture do not lie "
                     "together; save it with numpy.ascontiguousarray.");
  offset_ = static_cast<std::int64_t>(stored.offset);
  struct stat status {};
  file_ = detail::open_to_read(path, status);
}
ARVIT_DEFINITION void StoredTeacher::operator()(const float*, std::span<const Counter> pictures,
                                                float* given) const {
  for (const Counter& picture : pictures) {
    const std::span<float> numbers(given, static_cast<std::size_t>(width_));
    const auto bytes = std::as_writable_bytes(numbers);
    if (detail::read_at(file_.get(), bytes,
                        offset_ + std::int64_t{picture.image} *
                                      static_cast<std::int64_t>(bytes.size())) != bytes.size()) {
      if (errno != 0) detail::fail_errno(path_, "cannot be read", errno);
      fail<FileError>(path_, ": ends before the numbers of picture ", picture.image,
                      "; somebody cut it during the run, create it again.");
    }
    const auto bad = std::find_if_not(numbers.begin(), numbers.end(),
                                      [](float value) { return std::isfinite(value); });
    if (bad != numbers.end())
      fail<NumericError>(path_, ": number ", bad - numbers.begin(), " of picture ", picture.image,
                         " is ", *bad, "; compute it again.");
    given += width_;
  }
}

}  // namespace arvit
