// SPDX-License-Identifier: BSL-1.0
// What CMake's ARVIT_MODELS makes of names; programs include the aliases after this header.
#define ARVIT_EXTRA_MODELS \
  ::arvit::Variant<Fourth, "SAIM_L16">, ::arvit::Variant<::arvit::MAE_Nano, "MAE_Nano">
struct Fourth {
  static constexpr int number = 4;
};

#include "arvit/variants/model_list.hpp"

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

int number_of(std::string_view name) {
  return select_model(name, Own{}, []<class Model>() { return Model::number; });
}
std::string message(std::string_view name) {
  try {
    number_of(name);
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
    return select_model(name, WithExtraModels<Own>::type{}, []<class Model>() {
      if constexpr (std::same_as<Model, MAE_Nano>)
        return 5;
      else
        return Model::number;
    });
  };
  CHECK(number("SAIM_L16") == 4);
  CHECK(number("MAE_Nano") == 5);
}

TEST_CASE("model_list: a model of the library that is not built in: the command that builds it") {
  CHECK(message("SAIM_H14") ==
        "model SAIM_H14 is not built into this program, which holds SAIM_Nano, SAIM_B16; build "
        "it in with: "
        "cmake --preset release -DARVIT_MODELS=\"SAIM_H14\" && cmake --build --preset release");
}

TEST_CASE("model_list: an unknown name: the nearest one") {
  CHECK(message("SAIM_B1").find("did you mean SAIM_B16?") != std::string::npos);
  CHECK(message("saim_b16").find("SAIM_B16") != std::string::npos);
  CHECK(message("resnet50").find("This program holds SAIM_Nano, SAIM_B16") != std::string::npos);
}
