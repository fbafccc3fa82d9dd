// SPDX-License-Identifier: BSL-1.0
// expect: Pretrainer: Conditions are tokens of rank 0, which this decoder has not; use Twin<...,
// ClassFirst> or another decoder, or drop Conditions.
#include <arvit/models.hpp>

using Bad =
    arvit::DiGPT<arvit::ViT_B16<arvit::ZeroClassToken, arvit::Conditions<arvit::Labels<10>>>>;
static_assert(Bad::parameter_count > 0);
int main() {}
