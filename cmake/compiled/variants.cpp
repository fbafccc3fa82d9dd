// SPDX-License-Identifier: BSL-1.0
#include "arvit/variants/impl/registry.ipp"
