// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/inspect.hpp"
#include "arvit/variants.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace arvit::test {
namespace {

TEST_CASE("inspect: ranks from a list, with condition tokens before them") {
  CHECK(ranks_from("0,0,2,0,1,1,2", 0) == std::vector<int>{0, 0, 2, 0, 1, 1, 2});
  CHECK(ranks_from("0,2,0,1,1,2", 1) == ranks_from("0,0,2,0,1,1,2", 0));
  for (const char* wrong : {"", "1,,2", "1,x", "-1,2", "1,2,", "1.5", "99999999999"})
    CHECK_THROWS_AS(ranks_from(wrong, 0), OptionError);
  CHECK_THROWS_AS(ranks_from("1", -1), OptionError);
}

/// The matrix below the first line that begins with `title`: what stands before the tokens' names.
std::string matrix_of(const std::string& text, const std::string& title, int tokens) {
  const auto place = ("\n" + text).find("\n" + title);
  if (place == std::string::npos) return "there is no '" + title + "' in\n" + text;
  std::string result;
  std::istringstream lines(text.substr(text.find('\n', place) + 1));
  std::string line;
  for (int i = 0; i < tokens && std::getline(lines, line); ++i)
    result += line.substr(0, tokens) + "\n";
  return result;
}
std::string drawn(std::string rows) {
  std::replace(rows.begin(), rows.end(), ' ', '\n');
  return rows + "\n";
}

TEST_CASE("inspect: GVP's worked matrices, word for word, and sorted they are staircases") {
  struct Worked {
    const char *ranks, *content, *query;
  };
  for (const Worked& w :
       {Worked{"0,0,1,2,3,4,5", "00----- 00----- 000---- 0000--- 00000-- 000000- 0000000",
               "00----- 00----- 00----- 000---- 0000--- 00000-- 000000-"},
        Worked{"0,0,0,1,2,3,4", "000---- 000---- 000---- 0000--- 00000-- 000000- 0000000",
               "000---- 000---- 000---- 000---- 0000--- 00000-- 000000-"},
        Worked{"0,0,0,1,1,2,2", "000---- 000---- 000---- 00000-- 00000-- 0000000 0000000",
               "000---- 000---- 000---- 000---- 000---- 00000-- 00000--"},
        Worked{"0,0,2,0,1,1,2", "00-0--- 00-0--- 0000000 00-0--- 00-000- 00-000- 0000000",
               "00-0--- 00-0--- 00-000- 00-0--- 00-0--- 00-0--- 00-000-"}}) {
    const auto ranks = ranks_from(w.ranks, 0);
    CHECK(matrix_of(ranks_text(ranks, false), "content reads content", 7) == drawn(w.content));
    CHECK(matrix_of(ranks_text(ranks, false), "query reads content", 7) == drawn(w.query));
  }
  const std::string sorted = ranks_text(ranks_from("0,0,2,0,1,1,2", 0), true);
  CHECK(matrix_of(sorted, "content reads content", 7) ==
        drawn("000---- 000---- 000---- 00000-- 00000-- 0000000 0000000"));
  CHECK(sorted.find("\n00000--    5    1\n0000000    2    2\n") != std::string::npos);
  CHECK(sorted.find("\n000----    0    0  not computed: rank 0 carries no loss\n") !=
        std::string::npos);
}

/// Tokens with the ranks at which they read or are read; none: there is no such row.
constexpr int none = -1;
std::string law(const std::vector<int>& readers, const std::vector<int>& read, bool strict) {
  std::string result;
  for (const int reader : readers) {
    for (const int rank : read)
      result += reader == none                                              ? ' '
                : rank != none && (strict ? rank < reader : rank <= reader) ? '0'
                                                                            : '-';
    result += '\n';
  }
  return result;
}
/// A model's masks as printed, and the ranks above them.
struct Printed {
  std::string text;
  std::vector<int> ranks;
  template <class Model> static Printed of(bool sorted = false) {
    Printed result{model_masks_text<Model>(1, sorted), {}};
    int rows = 0, columns = 0;
    char x = 0;
    std::istringstream words(result.text.substr(std::string("ranks of ").size()));
    words >> rows >> x >> columns;
    words.ignore(200, '\n');
    for (int i = 0, rank = 0; i < rows * columns && words >> rank; ++i)
      result.ranks.push_back(rank);
    return result;
  }
  int top() const { return *std::max_element(ranks.begin(), ranks.end()); }
  /// Ranks first .. last of the patches, with the class token's before or after them.
  std::vector<int> tokens(int first, int last, int class_rank, bool class_last = false) const {
    std::vector<int> result;
    for (const int rank : ranks) result.push_back(first <= rank && rank <= last ? rank : none);
    result.insert(class_last ? result.end() : result.begin(), class_rank);
    return result;
  }
  std::string matrix(const std::string& title) const {
    return matrix_of(text, title, static_cast<int>(ranks.size()) + 1);
  }
  std::ptrdiff_t left_out() const {  // rows of content that are not computed
    std::ptrdiff_t count = 0;
    for (std::size_t at = 0; (at = text.find("  not computed", at)) != std::string::npos; ++at)
      ++count;
    return count;
  }
  std::ptrdiff_t of_top() const { return std::count(ranks.begin(), ranks.end(), top()); }
};

TEST_CASE_TEMPLATE("inspect: class token first, content up to its rank, queries strictly below",
                   Model, SAIM_B16, SemAIM_B16, RandSAC_B16, RandSAC_B16_hierarchical, ViT_iGPT_B16,
                   GVP_p2p_B16, GVP_p2p_B16_fixed5, GVP_p2d_B16) {
  const Printed printed = Printed::of<Model>();
  const int top = printed.top();
  CHECK(printed.matrix("content reads content") ==
        law(printed.tokens(0, top, 0), printed.tokens(0, top, 0), false));
  CHECK(printed.matrix("query reads content") ==
        law(printed.tokens(1, top, none), printed.tokens(0, top, 0), true));
  CHECK(printed.text.find("reads queries") == std::string::npos);
  CHECK(printed.text.find("sequence") == std::string::npos);
  CHECK(printed.left_out() == printed.of_top());
}
TEST_CASE(
    "inspect: MAE encodes what is visible, its decoder reads all; SimMIM's queries read all") {
  const Printed mae = Printed::of<MAE_B16>();
  CHECK(mae.matrix("content reads content") ==
        law(mae.tokens(0, 1, 0), mae.tokens(0, 1, 0), false));
  CHECK(mae.left_out() == mae.of_top());
  CHECK(mae.matrix("the decoder's sequence reads itself") ==
        law(std::vector<int>(13, 0), std::vector<int>(13, 0), false));
  CHECK(mae.text.find("query") == std::string::npos);
  const Printed simmim = Printed::of<SimMIM_B16>();
  CHECK(simmim.matrix("content reads content") ==
        law(std::vector<int>(13, 0), std::vector<int>(13, 0), false));
  CHECK(simmim.matrix("query reads content") ==
        law(simmim.tokens(1, 1, none), std::vector<int>(13, 0), false));
  CHECK(simmim.left_out() == 0);
}
TEST_CASE_TEMPLATE("inspect: D-iGPT's encoder and both decoders, class token last", Model,
                   DiGPT_B16, DiGPT_B16_clusters2, DiGPT_B16_clusters14, DiGPT_B16_clusters49) {
  const Printed printed = Printed::of<Model>();
  const int n = printed.top();
  const auto content = printed.tokens(1, n, n - 1, true), gen = printed.tokens(2, n, n, true),
             dis = printed.tokens(1, n - 1, n - 1, true);
  CHECK(printed.matrix("content reads content") == law(content, content, false));
  CHECK(printed.matrix("query of stream 1 reads content") == law(gen, content, true));
  CHECK(printed.matrix("query of stream 1 reads queries") == law(gen, gen, false));
  CHECK(printed.matrix("query of stream 2 reads content") == law(dis, content, false));
  CHECK(printed.matrix("query of stream 2 reads queries") == law(dis, dis, false));
  CHECK(printed.left_out() == printed.of_top());
}
TEST_CASE("inspect: D-iGPT's other arms") {
  const Printed first = Printed::of<DiGPT_B16_class_first>();
  CHECK(first.matrix("content reads content") ==
        law(first.tokens(1, 4, 0), first.tokens(1, 4, 0), false));
  CHECK(first.matrix("query of stream 1 reads content") ==
        law(first.tokens(2, 4, none), first.tokens(1, 4, 0), true));
  CHECK(first.matrix("query of stream 2 reads queries") ==
        law(first.tokens(1, 3, none), first.tokens(1, 3, none), false));
  const Printed whole = Printed::of<DiGPT_B16_clusters1>();
  for (const char* title : {"content reads content", "query reads content", "query reads queries"})
    CHECK(whole.matrix(title) == law(std::vector<int>(13, 0), std::vector<int>(13, 0), false));
  const Printed prefixes = Printed::of<DiGPT_B16_every_prefix>();
  for (int c = 1; c <= 3; ++c) {  // all queries up to c read as those of c
    auto queries = prefixes.tokens(1, c, c == 3 ? 3 : none, true);
    for (int& rank : queries) rank = rank == none ? none : c;
    const std::string prefix = ": lower ranks and its own, for prefix " + std::to_string(c);
    CHECK(prefixes.matrix("query of stream 2 reads content" + prefix) ==
          law(queries, prefixes.tokens(1, 4, 3, true), false));
    CHECK(prefixes.matrix("query of stream 2 reads queries" + prefix) ==
          law(queries, queries, false));
  }
  CHECK(prefixes.text.find("prefix 4") == std::string::npos);
  const Printed distil = Printed::of<DiGPT_B16_gen_distil>();
  CHECK(distil.matrix("query of stream 1 reads content") ==
        law(distil.tokens(2, 4, 4, true), distil.tokens(1, 4, 3, true), true));
  CHECK(distil.text.ends_with(
      "\nquery of stream 2: none; what is computed of the content is predicted itself\n"));
}
TEST_CASE("inspect: sorted by rank masks are staircases, the class token where it is read") {
  CHECK(model_masks_text<ViT_iGPT_B16>(1, false) ==
        R"(ranks of 3 x 4 patches, seed 1 (the model's own grid is 14 x 14)
   1   2   3   4
   5   6   7   8
   9  10  11  12
the query of a patch is the output of the token before it in the order
tokens in reading order; 0 reads, - does not; behind each row its token and rank
content reads content: lower ranks and its own; 12 rows, 78 pairs
0------------  cls    0
00-----------    0    1
000----------    1    2
0000---------    2    3
00000--------    3    4
000000-------    4    5
0000000------    5    6
00000000-----    6    7
000000000----    7    8
0000000000---    8    9
00000000000--    9   10
000000000000-   10   11
0000000000000   11   12  not computed: nobody reads it
query reads content: lower ranks; 12 rows, 78 pairs
               cls    0  no query
0------------    0    1
00-----------    1    2
000----------    2    3
0000---------    3    4
00000--------    4    5
000000-------    5    6
0000000------    6    7
00000000-----    7    8
000000000----    8    9
0000000000---    9   10
00000000000--   10   11
000000000000-   11   12
)");
  const auto masks = [](const std::string& text, const char* title) {
    return matrix_of(text, title, 13);
  };
  const std::string saim = model_masks_text<SAIM_B16>(1, true),
                    causal = model_masks_text<ViT_iGPT_B16>(1, false),
                    other = model_masks_text<SAIM_B16>(2, true);
  for (const char* title : {"content reads content", "query reads content"})
    CHECK(masks(saim, title) == masks(causal, title));
  CHECK(saim != other);
  CHECK(masks(saim, "content") == masks(other, "content"));
  const std::string digpt = model_masks_text<DiGPT_B16>(1, true);
  const std::string four = "0000-------------\n", eight = "00000000---------\n",
                    seen = "0000000000000----\n", all = "00000000000000000\n";
  CHECK(matrix_of(digpt, "content reads content", 17) == four + four + four + four + eight + eight +
                                                             eight + eight + seen + seen + seen +
                                                             seen + seen + all + all + all + all);
  CHECK(digpt.find("0000000000000----  cls    3\n") != std::string::npos);
  // As a query of Gen, which predicts the last cluster.
  CHECK(digpt.find("0000000000000----  cls    4\n") != std::string::npos);
}

TEST_CASE("inspect: the table of parameters adds up and lists repeated layers once") {
  const ModelDescription model = describe_model<SAIM_B16>();
  const std::string table = parameter_table(model);
  CHECK(table.find("blocks.{0..11}.attn.qkv.weight") != std::string::npos);
  CHECK(table.find("12 x [2304, 768]") != std::string::npos);
  CHECK(table.find("together 175424256, of which the encoder with its final norm 85647360") !=
        std::string::npos);
  CHECK(std::count(table.begin(), table.end(), '\n') < 45);
}

}  // namespace
}  // namespace arvit::test
