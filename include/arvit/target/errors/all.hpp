// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The errors that devices compile beside their kernels.
#include "arvit/target/errors/absolute.hpp"
#include "arvit/target/errors/cosine.hpp"
#include "arvit/target/errors/cross_entropy.hpp"
#include "arvit/target/errors/squared.hpp"
