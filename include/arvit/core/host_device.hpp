// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Marks functions that a device's for_each may run: on the host with a C++ compiler, on both sides
/// with nvcc.
#if defined(__CUDACC__)
#define ARVIT_HOST_DEVICE __host__ __device__
#else
#define ARVIT_HOST_DEVICE
#endif

/// Inlined always: a function that is not inlined into a kernel's entry would be compiled for the
/// baseline of the processor's instruction sets (device/cpu/simd.hpp).
#define ARVIT_INLINE __attribute__((always_inline)) inline
#define ARVIT_INLINE_LAMBDA __attribute__((always_inline))
