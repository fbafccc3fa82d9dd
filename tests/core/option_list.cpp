// SPDX-License-Identifier: BSL-1.0
#include "arvit/core/option_list.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>

using namespace arvit;

namespace {
enum class Colour : char { red, green };
constexpr std::array<std::string_view, 2> names_of(Colour) { return {"red", "green"}; }

template <class Act> std::string said(Act&& act) {
  try {
    act();
  } catch (const OptionError& error) {
    return error.what();
  }
  return "";
}
}  // namespace

TEST_CASE("option list: enumerators have names") {
  CHECK(name_of(Colour::green) == "green");
  CHECK(enum_from<Colour>("the colour", "red") == Colour::red);
  CHECK(enum_from<Colour>("the colour", "green") == Colour::green);
  CHECK(said([] { enum_from<Colour>("the colour", "gren"); }) ==
        "the colour 'gren' is not known; did you mean 'green'? Known: red, green.");
}

TEST_CASE("option list: a check names the option as its reader writes it") {
  const OptionCheck plain, flags("--");
  CHECK(said([&] { plain.at_least("batch", 0, 1); }) ==
        "batch is 0; it must be a number of at least 1.");
  CHECK(said([&] { flags.at_least("batch", 0, 1); }) ==
        "--batch is 0; it must be a number of at least 1.");
  CHECK(flags.name("batch") == "--batch");
}

TEST_CASE("option list: ranges") {
  const OptionCheck valid;
  const double none = std::numeric_limits<double>::quiet_NaN(),
               endless = std::numeric_limits<double>::infinity();
  for (const double bad : {-1.0, none, endless}) {
    CHECK(said([&] { valid.at_least("x", bad, 0); }) != "");
    CHECK(said([&] { valid.above_zero("x", bad); }) != "");
    CHECK(said([&] { valid.below_one("x", bad); }) != "");
    CHECK(said([&] { valid.above_zero("x", std::optional(bad)); }) != "");
  }
  CHECK(said([&] { valid.at_least("x", 0, 0); }) == "");
  CHECK(said([&] { valid.above_zero("x", 0); }) == "x is 0; it must be a number above 0.");
  CHECK(said([&] { valid.below_one("x", 1); }) == "x is 1; it must be at least 0 and below 1.");
  CHECK(said([&] { valid.below_one("x", 0); }) == "");
  CHECK(said([&] { valid.above_zero("x", std::optional<int>()); }) == "");
}
