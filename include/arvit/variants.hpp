// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Every variant of the papers and of their baselines, as an alias.
#include "arvit/variants/aliases.hpp"
