// SPDX-License-Identifier: BSL-1.0
#include "arvit/device/cpu/primitives.hpp"
#include "arvit/target/errors/all.hpp"

template class arvit::Cpu<arvit::Fp32>;
