// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Much of a program does not depend on its models: the CPU's kernels, file formats, the command
/// line, the loader. Included whole, every file of a program compiles them again. With
/// -DARVIT_PRECOMPILED=1 for all its files they see declarations only, and one more file holds the
/// rest:
///
///   #undef ARVIT_PRECOMPILED
///   #define ARVIT_PRECOMPILED 2
///   #include <arvit/precompiled.hpp>         // or only those headers of arvit that the program includes
///   template class arvit::Cpu<arvit::Fp32>;  // the devices that it uses
///
/// A header that takes part declares first; its definitions, and what only they include, stand
/// below #if ARVIT_DEFINITIONS.
#if defined(ARVIT_PRECOMPILED_KERNELS)
#error "ARVIT_PRECOMPILED_KERNELS became ARVIT_PRECOMPILED; see arvit/core/linkage.hpp."
#endif
#if !defined(ARVIT_PRECOMPILED) || ARVIT_PRECOMPILED == 0
#define ARVIT_DEFINITIONS 1
#define ARVIT_DEFINITION inline
#elif ARVIT_PRECOMPILED == 1
#define ARVIT_DEFINITIONS 0
#define ARVIT_INSTANTIATE extern template
#elif ARVIT_PRECOMPILED == 2
#define ARVIT_DEFINITIONS 1
#define ARVIT_DEFINITION
#define ARVIT_INSTANTIATE template
#else
#error "ARVIT_PRECOMPILED must be 0, 1 or 2; see arvit/core/linkage.hpp."
#endif
