// SPDX-License-Identifier: BSL-1.0
#include "support.hpp"

using namespace arvit;
using namespace test;

TEST_CASE_TEMPLATE("cpu/gather: patches of rectangular images agree with the definition", P, Fp32,
                   Bf16) {
  for (const ImageShape shape :
       {ImageShape{3, 8, 12, 4}, ImageShape{1, 6, 3, 3}, ImageShape{2, 32, 16, 16}}) {
    const int images = 5, patches = shape.patches(), width = shape.patch_width();
    const Numbers pixels = normal<float>(images * shape.size(), 1);
    std::vector<std::int32_t> source, permutation;
    for (std::int32_t image = 0; image < images; ++image) {
      source.push_back(-1 - image);
      for (std::int32_t i = image % 2; i < patches; ++i) source.push_back(image * patches + i);
      for (std::int32_t i = 0; i < patches; ++i) permutation.push_back((i + image) % patches);
    }
    const auto rows = static_cast<std::int64_t>(source.size());
    compare<P>([&](auto& device) {
      using D = std::remove_reference_t<decltype(device)>;
      Flat<S<D>> in(pixels);
      Tensor<A<D>> embedded(rows, width);
      Tensor<S<D>> plain(rows, width), standardised(rows, width);
      const PatchRows<HostSpace> from{index(source), index(permutation)};
      device.run(ops::EmbedPatches<D>{.images = in, .shape = shape, .from = from, .y = embedded});
      device.run(ops::TargetPatches<D>{
          .images = in, .shape = shape, .from = from, .standardise = false, .y = plain});
      device.run(ops::TargetPatches<D>{
          .images = in, .shape = shape, .from = from, .standardise = true, .y = standardised});
      return Outputs{embedded.numbers(), plain.numbers(), standardised.numbers()};
    });
  }
}

TEST_CASE("cpu/blur: zero padding, planes and long kernels agree with the definition") {
  for (const ImageShape shape :
       {ImageShape{3, 8, 12, 4}, ImageShape{1, 2, 3, 1}, ImageShape{2, 40, 37, 1}})
    for (const int taps : {1, 3, 9}) {
      const Numbers pixels = normal<float>(4 * shape.size(), 1), kernel = normal<float>(taps, 2);
      compare<Fp32>([&](auto& device) {
        using D = std::remove_reference_t<decltype(device)>;
        Flat<S<D>> in(pixels), out(Numbers(pixels.size(), poison));
        BlurTaps<S<D>> k{taps};
        for (int i = 0; i < taps; ++i) k.weight[i] = as<S<D>>(kernel[i]);
        device.run(ops::Blur<D>{.images = in, .shape = shape, .taps = k, .result = out});
        return Outputs{out.numbers()};
      });
    }
}

TEST_CASE("cpu/argsort: ascending and stable") {
  for (const std::int64_t columns : {1, 2, 5, 49, 196, 1000}) {
    Numbers keys = normal<float>(7 * columns, 1);
    for (std::size_t i = 0; i < keys.size(); i += 2) keys[i] = std::round(keys[i]);  // ties
    compare<Fp32>(
        [&](auto& device) {
          std::vector<float> memory(keys.begin(), keys.end());
          std::vector<std::int32_t> order(memory.size(), -1);
          using D = std::remove_reference_t<decltype(device)>;
          device.run(ops::Argsort<D>{.keys = {memory.data(), 7, columns},
                                     .order = {order.data(), 7, columns}});
          return Outputs{Numbers(order.begin(), order.end())};
        },
        1e-9);
  }
}
