// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Marks functions that a device's for_each may run: on the host with a C++ compiler, on both sides
/// with nvcc.
#if defined(__CUDACC__)
#define ARVIT_HOST_DEVICE __host__ __device__
#else
#define ARVIT_HOST_DEVICE
#endif
