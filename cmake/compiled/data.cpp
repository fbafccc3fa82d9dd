// SPDX-License-Identifier: BSL-1.0
#include "arvit/data/impl/augment.ipp"
#include "arvit/data/impl/decode.ipp"
#include "arvit/data/impl/image.ipp"
#include "arvit/data/impl/open_dataset.ipp"
