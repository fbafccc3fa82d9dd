// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/codebook.hpp"

#include <charconv>
#include <system_error>

#include "arvit/core/checksum.hpp"
#include "arvit/io/safetensors.hpp"

namespace arvit {

namespace detail {

inline constexpr std::string_view codebook_version = "1";

/// What is wrong with a codebook, or "".
ARVIT_DEFINITION std::string codebook_fault(const Codebook& codebook) {
  const auto size = static_cast<std::int64_t>(codebook.centroids.size());
  if (codebook.patch < 1 || codebook.patch > 4096)
    return text("its patch has ", codebook.patch, " pixels a side, 1 to 4096 are possible");
  if (size % codebook.width() != 0)
    return text("its centroids hold ", size, " numbers, which is no multiple of ", codebook.width(),
                ", the numbers of a patch");
  if (size / codebook.width() < 2 || size / codebook.width() > most_codes)
    return text("it has ", size / codebook.width(), " codes, 2 to ", most_codes, " are possible");
  for (std::int64_t i = 0; i < size; ++i) {
    const float value = codebook.centroids[i];
    if (!(value >= 0 && value <= 1))
      return text("entry ", i % codebook.width(), " of code ", i / codebook.width(), " is ", value,
                  ", a colour lies in [0, 1]");
  }
  return {};
}

}  // namespace detail

ARVIT_DEFINITION void check(const Codebook& codebook) {
  if (const std::string fault = detail::codebook_fault(codebook); !fault.empty())
    fail<ShapeError>("codebook: ", fault, "; give another, or fit one.");
}

ARVIT_DEFINITION std::string identity_of(const Codebook& codebook) {
  return text("codebook of ", codebook.codes(), " codes for patches of ", codebook.patch,
              " pixels, ", checksum(std::as_bytes(std::span(codebook.centroids))));
}

ARVIT_DEFINITION void save_codebook(const std::filesystem::path& path, const Codebook& codebook) {
  check(codebook);
  const StoredTensor centroids{"centroids",
                               StoredType::F32,
                               {codebook.codes(), codebook.width()},
                               std::as_bytes(std::span(codebook.centroids))};
  write_safetensors(path, std::span(&centroids, 1),
                    {{"format", std::string(codebook_format)},
                     {"format_version", std::string(detail::codebook_version)},
                     {"patch", text(codebook.patch)},
                     {"codes", text(codebook.codes())},
                     {"seed", text(codebook.seed)},
                     {"data", codebook.data},
                     {"inertia", text(codebook.inertia)},
                     {"contents", codebook.contents},
                     {"picture_height", text(codebook.picture_height)},
                     {"picture_width", text(codebook.picture_width)}});
}

ARVIT_DEFINITION Codebook load_codebook(const std::filesystem::path& path) {
  const Safetensors file(path);
  const auto said = [&](const std::string& name) {
    const auto found = file.metadata().find(name);
    return found == file.metadata().end() ? std::string() : found->second;
  };
  if (said("format") != codebook_format)
    fail<FileError>(file.path(), ": is no codebook, its metadata do not say 'format' = '",
                    codebook_format, "'; give a file that fit_codebook wrote.");
  if (said("format_version") != detail::codebook_version)
    fail<FileError>(file.path(), ": is a codebook of version '", said("format_version"),
                    "', this library reads ", detail::codebook_version,
                    "; update the library or fit the codebook again.");
  const auto damaged = [&](const auto&... what) {
    fail<FileError>(file.path(), ": ", what..., "; the file is damaged, fit the codebook again.");
  };
  const auto number = [&](const std::string& name, auto value) {
    const std::string written = said(name);
    const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(),
                                              value);
    if (error != std::errc() || end != written.data() + written.size())
      damaged("its metadata '", name, "' are '", written, "', a number was expected");
    return value;
  };
  Codebook codebook{number("patch", 0),     {},
                    said("data"),           number("seed", std::uint64_t{}),
                    number("inertia", 0.0), said("contents")};
  if (!codebook.contents.empty()) {  // files of before lack all three
    codebook.picture_height = number("picture_height", 0);
    codebook.picture_width = number("picture_width", 0);
  }
  const auto codes = number("codes", std::int64_t{});
  const StoredTensor* const centroids = file.find("centroids");
  if (centroids == nullptr || centroids->type != StoredType::F32)
    damaged("holds no tensor 'centroids' of F32");
  codebook.centroids = file.values<float>("centroids");
  if (const std::string fault = detail::codebook_fault(codebook); !fault.empty()) damaged(fault);
  if (centroids->shape != std::vector<std::int64_t>{codes, codebook.width()})
    damaged("its centroids are ", shape_text(centroids->shape), ", but its metadata say ", codes,
            " codes of ", codebook.width(), " numbers");
  return codebook;
}

ARVIT_DEFINITION void check_patches(const ImageShape& shape) {
  if (shape.channels != 3 || shape.patch < 1 || shape.height < 1 || shape.width < 1 ||
      shape.height % shape.patch != 0 || shape.width % shape.patch != 0)
    fail<ShapeError>("codebook: pictures of ", shape.channels, " channels and ", shape.height,
                     " x ", shape.width, " pixels are not made of patches of 3 channels and ",
                     shape.patch, " x ", shape.patch,
                     " pixels; choose a patch that divides both sides.");
}

ARVIT_DEFINITION void cut_patches(const float* images, std::int64_t count, const ImageShape& shape,
                                  const Normalisation& normalisation, float* patches) {
  check_patches(shape);
  const std::int64_t plane = std::int64_t{shape.height} * shape.width;
  for (std::int64_t image = 0; image < count; ++image)
    for (int patch = 0; patch < shape.patches(); ++patch) {
      const float* const corner = images + image * 3 * plane +
                                  std::int64_t{patch / shape.columns()} * shape.patch *
                                      shape.width +
                                  patch % shape.columns() * shape.patch;
      for (int y = 0; y < shape.patch; ++y)
        for (int x = 0; x < shape.patch; ++x)
          for (std::size_t c = 0; c < 3; ++c)
            *patches++ =
                corner[static_cast<std::int64_t>(c) * plane + std::int64_t{y} * shape.width + x] *
                    normalisation.deviation[c] +
                normalisation.mean[c];
    }
}

ARVIT_DEFINITION std::vector<float> picture_of_codes(const Codebook& codebook,
                                                     std::span<const std::int32_t> codes,
                                                     int height, int width) {
  const ImageShape shape{3, height, width, codebook.patch};
  check_patches(shape);
  if (static_cast<std::int64_t>(codes.size()) != shape.patches())
    fail<ShapeError>("codebook: ", codes.size(), " codes for a picture of ", shape.patches(),
                     " patches; give one per patch.");
  std::vector<float> pixels(shape.size());
  for (int patch = 0; patch < shape.patches(); ++patch) {
    const std::int32_t code = codes[patch];
    if (code < 0 || code >= codebook.codes())
      fail<ShapeError>("codebook: code ", code, " of patch ", patch, " is none of the ",
                       codebook.codes(), " codes; use the codebook that the codes are of.");
    const float* entry = codebook.centroids.data() + std::int64_t{code} * codebook.width();
    const int top = patch / shape.columns() * shape.patch;
    const int left = patch % shape.columns() * shape.patch;
    for (int y = top; y < top + shape.patch; ++y)
      for (int x = left; x < left + shape.patch; ++x)
        for (int c = 0; c < 3; ++c) pixels[(std::int64_t{c} * height + y) * width + x] = *entry++;
  }
  return pixels;
}

}  // namespace arvit
