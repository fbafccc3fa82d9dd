// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Target<Kind> needs a Kind with `template <class Grid> static constexpr int
// width`, the numbers that are predicted per patch (target/target.hpp).
#include <arvit/models.hpp>

struct NoWidth {};
using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<NoWidth>>;
static_assert(Bad::parameter_count > 0);
int main() {}
