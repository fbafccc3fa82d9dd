// SPDX-License-Identifier: BSL-1.0
// expect: ViT<Depth, Dim, Heads>: Heads must divide Dim; choose a number of heads that does.
#include <arvit/models.hpp>

using Bad = arvit::ViT<12, 768, 10>;
int main() { return Bad::depth; }
