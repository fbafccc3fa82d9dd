// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Much of a program does not depend on its models: the CPU's kernels, file formats, the command line, the loader. Included whole, every file of
/// a program compiles them again. Compiled with -DARVIT_PRECOMPILED=1 a file sees their declarations only; one file of the program then says
///
///   #define ARVIT_PRECOMPILED 2
///   #include <arvit/precompiled.hpp>
///   template class arvit::Cpu<arvit::Fp32>;  // and with arvit::Bf16
///
/// A header that takes part declares first; its definitions, and what only they include, stand below #if ARVIT_DEFINITIONS.
#if !defined(ARVIT_PRECOMPILED) || ARVIT_PRECOMPILED == 0
#define ARVIT_DEFINITIONS 1
#define ARVIT_DEFINITION inline
#elif ARVIT_PRECOMPILED == 1
#define ARVIT_DEFINITIONS 0
#else
#define ARVIT_DEFINITIONS 1
#define ARVIT_DEFINITION
#endif
