// SPDX-License-Identifier: BSL-1.0
#include "arvit/device/cpu/primitives.hpp"

template class arvit::Cpu<arvit::Bf16>;
