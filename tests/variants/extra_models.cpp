// SPDX-License-Identifier: BSL-1.0
// What CMake says of ARVIT_MODELS and ARVIT_MODELS_HEADER, before anything is compiled.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

const std::string root = ARVIT_SOURCE_DIR;

/// The words of cmake/extra_models.cmake with these options, without its line breaks.
std::string said(const std::string& options) {
  const std::string command = "cmake " + options + " -P " + root + "/cmake/extra_models.cmake 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string words;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
    if (c != '\n' && c != ' ')
      words += static_cast<char>(c);
    else if (!words.empty() && words.back() != ' ')
      words += ' ';
  }
  pclose(pipe);
  return words;
}
bool says(const std::string& options, std::string_view sentence) {
  const std::string words = said(options);
  INFO(words);
  return words.find(sentence) != std::string::npos;
}

}  // namespace

TEST_CASE("extra models: names of variants.hpp, and headers that define OwnModels") {
  CHECK(said("") == "");
  CHECK(said("'-DARVIT_MODELS=SAIM_L16;MAE_L16'") == "");
  CHECK(said("-DARVIT_MODELS_HEADER=" + root + "/examples/own_model.hpp") == "");
}

TEST_CASE("extra models: what is wrong is one sentence") {
  CHECK(says("-DARVIT_MODELS=SAIM_L15",
             "ARVIT_MODELS holds 'SAIM_L15', which is no model of include/arvit/variants.hpp; one "
             "of your own comes from a header, ARVIT_MODELS_HEADER. Known: DiGPT_Nano, "));
  CHECK(says("-DARVIT_MODELS_HEADER=/no/mine.hpp",
             "ARVIT_MODELS_HEADER: there is no file /no/mine.hpp."));
  const std::string without = root + "/include/arvit/variants.hpp";
  CHECK(says("-DARVIT_MODELS_HEADER=" + without,
             "ARVIT_MODELS_HEADER: " + without +
                 " defines no OwnModels; it needs a line such as using OwnModels = "
                 "arvit::ModelList<arvit::Variant<Mine, \"Mine\">>"));
}
