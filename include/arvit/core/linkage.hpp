// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Much of a program does not depend on its models: kernels, file formats, the command line, the
/// loader. x.hpp declares it, impl/x.ipp defines it. Included plainly, x.hpp includes the
/// definitions at its foot, and every file of a program compiles them again. A program that links
/// the CMake target arvit::compiled compiles them once, in a library that its own build makes of
/// cmake/compiled/*.cpp; the target sets ARVIT_COMPILED, and nobody else does.
#if defined(ARVIT_COMPILED)
#define ARVIT_DEFINITION
#else
#define ARVIT_DEFINITION inline
#endif
