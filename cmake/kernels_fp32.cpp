// SPDX-License-Identifier: BSL-1.0
// The CPU's kernels, compiled once for all programs of this tree.
#include "arvit/device/cpu/primitives.hpp"
#include "arvit/target/errors/all.hpp"

template class arvit::Cpu<arvit::Fp32>;
