// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <csignal>
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

/// Thrown by a program that a signal asked to stop: what it did is kept, and the same command with
/// --resume goes on. Nothing is wrong, but whoever started it must not take it for complete.
struct Stopped {
  static constexpr int exit_code = 75;  ///< EX_TEMPFAIL of sysexits.h: try again
};

/// Runs `f(argc, argv)`, the rest of main. Returns its exit code (0 if it returns nothing); every
/// failure is one sentence on standard error: 2 for an option outside its range, 1 for all others.
/// A program that was asked to stop ends with Stopped::exit_code. A file that grows beyond a limit
/// and a reader that closed its pipe are failures of a write, and no longer end the process.
template <class F> int run_main(int argc, char** argv, F&& f) {
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  const auto report = [](const char* what, int code) {
    std::cout.flush();
    std::cerr << "error: " << what << std::endl;
    return code;
  };
  const auto ended = [&](int code) {
    if (std::cout.flush() || code != 0) return code;
    return report(
        "standard output was closed, or its disk is full, before all was printed; what the program "
        "writes into files is there.",
        1);
  };
  try {
    if constexpr (std::is_void_v<decltype(f(argc, argv))>) {
      f(argc, argv);
      return ended(0);
    } else {
      return ended(f(argc, argv));
    }
  } catch (const Finished& finished) {
    std::cout << finished.text;
    return ended(0);
  } catch (const Stopped&) {
    return Stopped::exit_code;
  } catch (const OptionError& error) {
    return report(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return report("the memory does not suffice; use a smaller batch, micro-batch or model.", 1);
  } catch (const std::exception& error) {
    return report(error.what(), 1);
  }
}

}  // namespace arvit
