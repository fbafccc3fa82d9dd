// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/core/random.hpp"
#include "arvit/data/augment.hpp"
#include "arvit/device/cpu.hpp"
#include "arvit/model/features.hpp"
#include "arvit/teacher/codebook.hpp"
#include "arvit/train/memory.hpp"

/// Codebooks as teachers: what they make of a picture is one code for every patch.
namespace arvit {

class Safetensors;  // io/safetensors.hpp

/// The codes of a codebook, for every patch of the codebook in reading order, as floats (which hold
/// every code exactly). That patch need not be the model's. Normalising the pictures and undoing it
/// rounds by about 1e-7, so only a patch that lies as far from two centroids may get either code.
template <Device D> class CodebookTeacher {
 public:
  /// Images of height x width pixels; `pictures`: the colours of the images that it will get.
  /// ShapeError when the codebook's patch does not divide them.
  CodebookTeacher(D& device, const Codebook& codebook, int height, int width,
                  const Normalisation& pictures)
      : nearest_(device, codebook),
        shape_{3, height, width, codebook.patch},
        pictures_(pictures),
        identity_(identity_of(codebook)) {
    check_patches(shape_);
  }
  /// What it computes, by its contents.
  const std::string& identity() const { return identity_; }
  std::vector<MemoryTable::Line> memory() const {
    return {{"teacher's codebook and distances", nearest_.bytes()}};
  }
  /// Numbers of a picture.
  int width() const { return shape_.patches(); }
  /// images [pictures.size(), 3, height, width] -> codes [pictures.size(), width()].
  void operator()(const float* images, std::span<const Counter> pictures, float* codes) {
    (*this)(images, static_cast<std::int64_t>(pictures.size()), codes);
  }
  void operator()(const float* images, std::int64_t count, float* codes) {
    const std::int64_t rows = count * width();
    patches_.resize(count * shape_.size());
    codes_.resize(rows);
    cut_patches(images, count, shape_, pictures_, patches_.data());
    nearest_(patches_.data(), rows, codes_.data());
    std::copy(codes_.begin(), codes_.end(), codes);
  }

 private:
  NearestCode<D> nearest_;
  ImageShape shape_;
  Normalisation pictures_;
  std::vector<float> patches_;
  std::vector<std::int32_t> codes_;
  std::string identity_;
};

/// A codebook on the processor in fp32, whatever a model computes in.
struct Tokenizer {
  Cpu<Fp32> device;
  CodebookTeacher<Cpu<Fp32>> codebook;
  Tokenizer(const Tokenizer&) = delete;  // the codebook's memory is the device's
  Tokenizer& operator=(const Tokenizer&) = delete;
  Tokenizer(int threads, const Codebook& of, int height, int width, const Normalisation& pictures)
      : device({threads, {}}), codebook(device, of, height, width, pictures) {}
};
/// OptionError unless the codebook, which `file` holds, has `codes` codes for the shape's patch.
void check_codebook(const Codebook& codebook, const std::string& file, int codes,
                    const ImageShape& shape);
/// The codebook in `file` for images of `shape` in the colours `pictures`. OptionError unless it
/// has `codes` codes for the shape's patch.
std::shared_ptr<Tokenizer> open_tokenizer(const std::string& file, int codes, ImageShape shape,
                                          const Normalisation& pictures, int threads);
/// The same as what an encoder that reads codes asks for.
PartFunction<float> make_tokenizer(const std::string& file, int codes, ImageShape shape,
                                   const Normalisation& pictures, int threads);
/// What to say of a run that reads a codebook which was fitted to other pictures than its own, of
/// `contents` (contents_text()), or to pictures of another size than `shape`; "" where there is
/// nothing to say.
std::string codebook_note(const std::string& file, const std::string& contents,
                          const ImageShape& shape);
/// The codebook of a checkpoint's run: the one that the checkpoint names, or where it lies now.
std::string codebook_of(const Safetensors& checkpoint, const std::string& now = {});

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/tokenizer.ipp"
#endif
