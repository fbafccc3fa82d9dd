// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <iostream>
#include <new>
#include <string>

#include "arvit/core/error.hpp"

namespace arvit {

/// Thrown by a command line that has done its work, such as --help: `text` goes to standard output,
/// the program ends with success.
struct Finished {
  std::string text;
};

/// Runs `f(argc, argv)`, the rest of main. Returns its exit code (0 if it returns nothing); every
/// failure is one sentence on standard error: 2 for an option outside its range, 1 for all others.
template <class F> int run_main(int argc, char** argv, F&& f) {
  const auto report = [](const char* what, int code) {
    std::cout.flush();
    std::cerr << "error: " << what << std::endl;
    return code;
  };
  try {
    if constexpr (std::is_void_v<decltype(f(argc, argv))>) {
      f(argc, argv);
      return 0;
    } else {
      return f(argc, argv);
    }
  } catch (const Finished& finished) {
    std::cout << finished.text << std::flush;
    return 0;
  } catch (const OptionError& error) {
    return report(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return report("the memory does not suffice; use a smaller batch, micro-batch or model.", 1);
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}

}  // namespace arvit
