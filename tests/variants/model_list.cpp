// SPDX-License-Identifier: BSL-1.0
// What CMake's ARVIT_MODELS makes of names, and a header of the user's for ARVIT_MODELS_HEADER.
#define ARVIT_EXTRA_MODELS \
  ::arvit::Variant<Fourth, "SAIM_L16">, ::arvit::Variant<::arvit::MAE_Nano, "MAE_Nano">
#define ARVIT_MODELS_HEADER "variants/own_models.hpp"

#include "arvit/workbench/extra_models.hpp"

#include <doctest/doctest.h>

using namespace arvit;

namespace {
struct First {
  static constexpr int number = 1;
};
struct Second {
  static constexpr int number = 2;
};
using Own = ModelList<Variant<First, "SAIM_Nano">, Variant<Second, "SAIM_B16">>;

int number_of(std::string_view name, std::string_view file = {}) {
  return select_model(
      name, Own{}, []<class Model>() { return Model::number; }, file);
}
std::string message(std::string_view name, std::string_view file = {}) {
  try {
    number_of(name, file);
  } catch (const OptionError& error) {
    return error.what();
  }
  return "";
}
}  // namespace

TEST_CASE("model_list: a name chooses its model") {
  CHECK(number_of("SAIM_Nano") == 1);
  CHECK(number_of("SAIM_B16") == 2);
}

TEST_CASE("model_list: what the build adds is chosen as well") {
  const auto number = [](std::string_view name) {
    return select_model(name, WithExtraModels<Own>{}, []<class Model>() {
      if constexpr (std::same_as<Model, MAE_Nano>)
        return 5;
      else
        return Model::number;
    });
  };
  CHECK(number("SAIM_L16") == 4);
  CHECK(number("MAE_Nano") == 5);
  CHECK(number("Fifth") == 6);
}

TEST_CASE("model_list: a model of the library that is not built in: the command that builds it") {
  CHECK(
      message("SAIM_H14") ==
      "model SAIM_H14 is not built into this program, which holds SAIM_Nano, SAIM_B16; build "
      "it in with: "
      "cmake --preset release -DARVIT_MODELS=\"SAIM_H14\" && cmake --build --preset release, or in "
      "a program of one's own with arvit::Variant<arvit::SAIM_H14, \"SAIM_H14\"> in its list.");
}

TEST_CASE("model_list: an unknown name: the nearest one") {
  CHECK(message("SAIM_B1").find("did you mean SAIM_B16?") != std::string::npos);
  CHECK(message("saim_b16").find("SAIM_B16") != std::string::npos);
  CHECK(message("resnet50").find("This program holds SAIM_Nano, SAIM_B16") != std::string::npos);
}

TEST_CASE(
    "model_list: a checkpoint's model that is not there: the file, and the ways to build it in") {
  CHECK(message("SAIM_H14", "run/a.safetensors") ==
        "run/a.safetensors: its model SAIM_H14 is not built into this program, which holds "
        "SAIM_Nano, SAIM_B16; build it in with: cmake --preset release -DARVIT_MODELS=\"SAIM_H14\" "
        "&& cmake --build --preset release, or in a program of one's own with "
        "arvit::Variant<arvit::SAIM_H14, \"SAIM_H14\"> in its list.");
  CHECK(message("Mine", "run/a.safetensors") ==
        "run/a.safetensors: its model 'Mine' is not known. This program holds SAIM_Nano, SAIM_B16; "
        "--list-models lists all that can be built in, and a model of one's own is built in with "
        "-DARVIT_MODELS_HEADER=its_header.hpp, or has these programs in one of its own "
        "(arvit/workbench.hpp).");
}
