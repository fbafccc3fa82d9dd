// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The only place that holds the version; CMake reads it from here.
#define ARVIT_VERSION_MAJOR 0
#define ARVIT_VERSION_MINOR 1
#define ARVIT_VERSION_PATCH 0
#define ARVIT_VERSION \
  (ARVIT_VERSION_MAJOR * 10000 + ARVIT_VERSION_MINOR * 100 + ARVIT_VERSION_PATCH)
