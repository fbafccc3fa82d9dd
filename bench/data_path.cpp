// SPDX-License-Identifier: BSL-1.0
// Decoding and augmentation alone, one picture after the other on one thread: pictures per second
// of a folder of JPEG or PNG files. One pass for each line of standard input; peer.py --data runs
// it in turn with torchvision.
//
//   yes | head -n 5 | bench_data_path --data PICTURES
#include <iostream>
#include <string>
#include <vector>

#include "arvit/data/augment.hpp"
#include "arvit/data/image_folder.hpp"
#include "arvit/run/command_line.hpp"
#include "arvit/train/memory.hpp"
#include "rates.hpp"

using namespace arvit;

int main(int argc, char** argv) {
  return run_main(argc, argv, [](int argc, char** argv) {
    std::string data;
    int size = 224;
    CommandLine line(
        "Decoding, a random crop of 20 to 100 % resized bicubically, a flip and normalisation.");
    line.add("data", data, "a folder of pictures", "Options", true);
    line.add("size", size, "height and width of the result");
    line.parse(argc, argv);
    const ImageFolder pictures(data);
    TrainTransform transform({.height = size, .width = size});
    std::vector<float> out(static_cast<std::size_t>(3) * size * size);
    std::cout << pictures.size() << std::endl;
    std::uint32_t epoch = 0;
    for (std::string request; std::getline(std::cin, request); ++epoch) {
      double sum = 0;
      const double seconds = bench::seconds_of([&] {
        for (std::int64_t i = 0; i < pictures.size(); ++i) {
          transform(pictures.picture(i),
                    Counter{.seed = 1, .epoch = epoch, .image = static_cast<std::uint32_t>(i)},
                    out.data());
          sum += static_cast<double>(out[out.size() / 2]);
        }
      });
      std::cout << seconds << " " << process_bytes("VmHWM") << " " << sum << std::endl;
    }
  });
}
