// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

#include "arvit/core/linkage.hpp"

/// What lies at a path that somebody gives for a teacher, a condition, a codebook or a start.
namespace arvit {

class Safetensors;  // io/safetensors.hpp

/// A file, and what it is: decided once, by looking into it.
struct Source {
  enum class Kind : char {
    none,        ///< no path was given
    checkpoint,  ///< parameters in a safetensors file: of a run, or of an encoder alone
    codebook,    ///< what save_codebook() writes
    numbers,     ///< npy: features, codes or conditions, picture by picture
  };
  Kind kind = Kind::none;
  std::string path = {};  ///< of the file; where a folder was given, of the newest checkpoint in it

  bool is(Kind other) const { return kind == other; }
};

/// Looks at `path`: a file, or the folder of a run, which stands for its newest checkpoint; "" is
/// Kind::none. FileError for a path without a file, and for a file that is nothing of these.
Source look_at(const std::string& path);

/// What a checkpoint's run had as its option `option` ("teacher", "condition"). OptionError where
/// the checkpoint names nothing, or numbers of that run's pictures, which make none of others.
Source source_of_run(const Safetensors& checkpoint, const std::string& option);

/// OptionError unless what `file` holds, by its `identity`, gave its numbers to the checkpoint's
/// run, as far as the checkpoint says.
void check_gave(const Safetensors& checkpoint, const std::string& file,
                const std::string& identity);

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/teacher/impl/source.ipp"
#endif
