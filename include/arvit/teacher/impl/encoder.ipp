// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/encoder.hpp"

#include <string_view>

#include "arvit/core/error.hpp"

namespace arvit {

namespace detail {

/// The type of an encoder without the options that change only how parameters start.
ARVIT_DEFINITION std::string without_starts(std::string type) {
  for (const std::string_view option : {",SeparateQkv", ",ZeroClassToken"})
    for (auto at = type.find(option); at != std::string::npos; at = type.find(option))
      type.erase(at, option.size());
  return type;
}

}  // namespace detail

ARVIT_DEFINITION void check_teacher_type(const Safetensors& file, const std::string& encoder) {
  const auto model = file.metadata().find("model");
  if (model == file.metadata().end()) return;
  const std::string own = detail::without_starts(encoder);
  if (detail::without_starts(model->second).find("Pretrainer<" + own + ",") != 0)
    fail<OptionError>(file.path(), ": its model is ", model->second, ", the model's teacher is ",
                      own, "; choose a run with that encoder.");
}

}  // namespace arvit
