// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/dataset.hpp"

#include <doctest/doctest.h>

#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;

namespace {

struct Three {
  std::int64_t size() const { return 3; }
  int label(std::int64_t i) const { return i == 2 ? -1 : static_cast<int>(2 * i); }
  Picture picture(std::int64_t i) const { return Picture(static_cast<int>(i) + 1, 2); }
};
struct Named : Three {
  std::vector<std::string> class_names() const { return {"a", "b", "c"}; }
  std::string describe() const { return "three"; }
};

}  // namespace

static_assert(Dataset<Three> && Dataset<AnyDataset> && Dataset<Subset<Three>>);
static_assert(!Dataset<int>);

TEST_CASE("AnyDataset: the three functions, class names and a line for people") {
  const AnyDataset plain = Three{}, named = Named{};
  CHECK(plain.size() == 3);
  CHECK(plain.label(1) == 2);
  CHECK(plain.picture(2).height() == 3);
  CHECK(plain.class_names() == std::vector<std::string>{"0", "1", "2"});
  CHECK(plain.describe() == "3 pictures, 3 classes");
  CHECK(named.class_names() == std::vector<std::string>{"a", "b", "c"});
  CHECK(named.describe() == "three");
  CHECK(message_of<ShapeError>([&] { plain.picture(3); }) ==
        "data set: picture 3 was asked for, there are 3.");
  CHECK_THROWS_AS(plain.label(-1), ShapeError);
}

TEST_CASE("Subset: the listed pictures, in that order") {
  const Subset subset(AnyDataset(Named{}), {2, 0});
  CHECK(subset.size() == 2);
  CHECK(subset.label(0) == -1);
  CHECK(subset.picture(0).height() == 3);
  CHECK(class_names(subset).size() == 3);
  CHECK(describe(subset) == "2 pictures out of: three");
  CHECK_THROWS_AS(Subset(Three{}, {0, 3}), ShapeError);
}

TEST_CASE("hold_out: disjoint, complete, ascending, and drawn from the seed") {
  const auto [held, rest] = hold_out(100, 30, 1);
  CHECK(held.size() == 30);
  CHECK(rest.size() == 70);
  CHECK(std::is_sorted(held.begin(), held.end()));
  CHECK(std::is_sorted(rest.begin(), rest.end()));
  std::vector<std::int64_t> all = held;
  all.insert(all.end(), rest.begin(), rest.end());
  std::sort(all.begin(), all.end());
  for (std::int64_t i = 0; i < 100; ++i) CHECK(all[i] == i);
  CHECK(hold_out(100, 30, 1).first == held);
  CHECK(hold_out(100, 30, 2).first != held);
  CHECK_THROWS_AS(hold_out(10, 11, 1), OptionError);
}
