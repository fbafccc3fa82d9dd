// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Descriptions and aliases of all models, and the pass that runs one on any device. No device
/// itself, no file format.
#include "arvit/model/pretrain_pass.hpp"
#include "arvit/variants.hpp"
