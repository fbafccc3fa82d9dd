// SPDX-License-Identifier: BSL-1.0
#include "arvit/weights/impl/convert.ipp"
#include "arvit/weights/impl/encoder_file.ipp"
