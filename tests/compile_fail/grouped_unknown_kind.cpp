// SPDX-License-Identifier: BSL-1.0
// expect: Grouped<Kind, Sequence>: Kind is Fixed<K>, Random<K> or Mixed<K>
#include <arvit/models.hpp>

using Bad = arvit::SAIM<arvit::ViT_B16<>, arvit::Parallel<12>, arvit::Target<arvit::Pixel>,
                        arvit::Grouped<arvit::Raster>>;
static_assert(Bad::parameter_count > 0);
int main() {}
