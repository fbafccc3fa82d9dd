// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Descriptions and aliases of all models. No device, no file format.
#include "arvit/variants.hpp"
