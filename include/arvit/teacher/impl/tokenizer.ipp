// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/tokenizer.hpp"

#include "arvit/core/error.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/teacher/source.hpp"

namespace arvit {

ARVIT_DEFINITION void check_codebook(const Codebook& codebook, const std::string& file, int codes,
                                     const ImageShape& shape) {
  if (codebook.codes() != codes || codebook.patch != shape.patch)
    fail<OptionError>(file, ": is a codebook of ", codebook.codes(), " codes for patches of ",
                      codebook.patch, " pixels, the model needs ", codes, " for patches of ",
                      shape.patch, "; fit one of these to pictures of ", shape.height, " pixels.");
}

ARVIT_DEFINITION std::shared_ptr<Tokenizer> open_tokenizer(const std::string& file, int codes,
                                                           ImageShape shape,
                                                           const Normalisation& pictures,
                                                           int threads) {
  const Codebook codebook = load_codebook(file);
  check_codebook(codebook, file, codes, shape);
  return std::make_shared<Tokenizer>(threads, codebook, shape.height, shape.width, pictures);
}

ARVIT_DEFINITION PartFunction<float> make_tokenizer(const std::string& file, int codes,
                                                    ImageShape shape, const Normalisation& pictures,
                                                    int threads) {
  return [tokenizer = open_tokenizer(file, codes, shape, pictures, threads)](
             const float* images, std::int64_t count, float* codes) {
    tokenizer->codebook(images, count, codes);
  };
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

ARVIT_DEFINITION std::string codebook_of(const Safetensors& checkpoint, const std::string& now) {
  std::string file = now.empty() ? source_of_run(checkpoint, "teacher").path : now;
  check_gave(checkpoint, file, identity_of(load_codebook(file)));
  return file;
}

}  // namespace arvit
