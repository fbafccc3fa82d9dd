// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Every variant of the papers and of their baselines, as an alias; docs/variants.md says what each
/// stands for.
#include "arvit/variants/digpt.hpp"
#include "arvit/variants/gvp.hpp"
#include "arvit/variants/igpt.hpp"
#include "arvit/variants/masked.hpp"
#include "arvit/variants/model_list.hpp"
#include "arvit/variants/randsac.hpp"
#include "arvit/variants/saim.hpp"
#include "arvit/variants/semaim.hpp"
#include "arvit/variants/vit_igpt.hpp"
