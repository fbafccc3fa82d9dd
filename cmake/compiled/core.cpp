// SPDX-License-Identifier: BSL-1.0
#include "arvit/core/impl/layout.ipp"

#include "arvit/core/initialise.hpp"

template void arvit::initialise<float>(const TensorSpec&, std::uint32_t, std::uint64_t, float*);
