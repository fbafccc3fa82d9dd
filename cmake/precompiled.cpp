// SPDX-License-Identifier: BSL-1.0
// File formats, command line, loader and log, compiled once for all programs of this tree.
#undef ARVIT_PRECOMPILED
#define ARVIT_PRECOMPILED 2
#include "arvit/device/cpu.hpp"
extern template class arvit::Cpu<arvit::Fp32>;  // in kernels_fp32.cpp
extern template class arvit::Cpu<arvit::Bf16>;
#include "arvit/precompiled.hpp"
