// SPDX-License-Identifier: BSL-1.0
// expect: Segments<Outer, Inner>: both are sides in patches; Inner must be positive and divide
// Outer.
#include <arvit/models.hpp>

using Bad = arvit::RandSAC<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Segments<7, 2>>;
static_assert(Bad::parameter_count > 0);
int main() {}
