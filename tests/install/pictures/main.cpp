// SPDX-License-Identifier: BSL-1.0
// Pictures, files and the command line: what the components io, image and options are for.
#include <iostream>

#include <arvit/data/open_dataset.hpp>
#include <arvit/io/npy.hpp>
#include <arvit/run/command_line.hpp>

int main(int argc, char** argv) {
  return arvit::run_main(argc, argv, [](int argc, char** argv) {
    const arvit::AnyDataset set = arvit::open_dataset(argc > 1 ? argv[1] : "no such folder");
    std::cout << arvit::describe(set) << '\n';
  });
}
