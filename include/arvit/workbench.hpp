// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Every program as a function of a list of models, and all of them as one program.
#include "arvit/workbench/workbench.hpp"
