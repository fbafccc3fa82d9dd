// SPDX-License-Identifier: BSL-1.0
#include "arvit/eval/inspect.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace arvit::test {
namespace {

TEST_CASE("inspect: ranks from a list, with condition tokens before them") {
  CHECK(ranks_from("0,0,2,0,1,1,2", 0) == std::vector<int>{0, 0, 2, 0, 1, 1, 2});
  CHECK(ranks_from("0,2,0,1,1,2", 1) == ranks_from("0,0,2,0,1,1,2", 0));
  for (const char* wrong : {"", "1,,2", "1,x", "-1,2", "1,2,", "1.5", "99999999999"}) CHECK_THROWS_AS(ranks_from(wrong, 0), OptionError);
  CHECK_THROWS_AS(ranks_from("1", -1), OptionError);
}

TEST_CASE("inspect: GVP's matrix 19 in reading order, and sorted it is a staircase") {
  const auto ranks = ranks_from("0,0,2,0,1,1,2", 0);
  const std::string text = ranks_text(ranks, false);
  CHECK(text.find("00-0---\n00-0---\n0000000\n00-0---\n00-000-\n00-000-\n0000000\nquery") != std::string::npos);
  CHECK(text.ends_with("00-0---\n00-0---\n00-000-\n00-0---\n00-0---\n00-0---\n00-000-\n"));
  CHECK(ranks_text(ranks, true).find("000----\n000----\n000----\n00000--\n00000--\n0000000\n0000000\nquery") != std::string::npos);
}

TEST_CASE("inspect: the masks of aliases, from their own rules and orders") {
  const std::string saim = model_masks_text<SAIM_B16>(1, true);
  // Sorted by distinct ranks: a staircase; the content of the highest rank is not computed, nor has the class token a query.
  CHECK(saim.find("content reads content\n0------------\n00-----------\n000----------\n") != std::string::npos);
  CHECK(saim.find("query reads content\n             \n0------------\n00-----------\n") != std::string::npos);
  CHECK(saim.find("000000000000-\n             \n") != std::string::npos);
  CHECK(saim.find("sequence") == std::string::npos);
  CHECK(model_masks_text<SAIM_B16>(1, false) != model_masks_text<SAIM_B16>(2, false));
  const std::string semantic = model_masks_text<SemAIM_B16>(1, true);
  CHECK(semantic.substr(semantic.find("content reads")) == saim.substr(saim.find("content reads")));
  const std::string masked = model_masks_text<MAE_B16>(1, true);
  CHECK(masked.find("the decoder's sequence reads itself\n0000000000000\n") != std::string::npos);
  CHECK(masked.find("query") == std::string::npos);
  CHECK(masked.find("content reads content\n0000---------\n0000---------\n0000---------\n0000---------\n             \n") != std::string::npos);
  const std::string causal = model_masks_text<ViT_iGPT_B16>(1, false);
  CHECK(causal.find("   1   2   3   4\n   5   6   7   8\n") != std::string::npos);
}

TEST_CASE("inspect: the table of parameters adds up and lists repeated layers once") {
  const ModelDescription model = describe_model<SAIM_B16>();
  const std::string table = parameter_table(model);
  CHECK(table.find("blocks.{0..11}.attn.qkv.weight") != std::string::npos);
  CHECK(table.find("12 x [2304, 768]") != std::string::npos);
  CHECK(table.find("together 175424256, of which the encoder with its final norm 85647360") != std::string::npos);
  CHECK(std::count(table.begin(), table.end(), '\n') < 45);
}

}  // namespace
}  // namespace arvit::test
