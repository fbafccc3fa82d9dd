// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/impl/safetensors.ipp"
