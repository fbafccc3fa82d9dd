// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "arvit/model/pretrain_pass.hpp"
#include "support/fill.hpp"
#include "support/made_batch.hpp"

namespace arvit::test {

/// A pretrainer with hashed weights and images on a device, ordered by given ranks; loss, gradients
/// and predictions by name and place.
template <class Model, class D> struct ModelCase {
  using S = Statistic<D>;
  using Pass = PretrainPass<Model, D>;
  D& device;
  int images;
  std::vector<S> parameters, gradients;
  MadeBatch<Model, S> batch;
  Pass pass;

  ModelCase(D& on, int count)
      : device(on),
        images(count),
        parameters(Model::parameter_count),
        gradients(Model::parameter_count),
        batch(count),
        pass(on, count, std::int64_t{1} << 26) {
    for (const auto& [name, tensor, offset] : Model::parameters())
      fill_parameter<S>(name, {tensor.shape.data(), static_cast<std::size_t>(tensor.dimensions())},
                        {parameters.data() + offset, static_cast<std::size_t>(tensor.size())});
  }
  typename Pass::Parameters reading() const {
    return typename Pass::Parameters(Reading<D>(parameters.data(), parameters.data()));
  }

  /// Loss (the mean over the batch) and gradients for ranks [images, patches].
  double run(std::span<const int> ranks) {
    pass.order_by_ranks(ranks);
    return run();
  }
  /// ... in the order that the pass has.
  double run() {
    std::fill(gradients.begin(), gradients.end(), S{0});
    const typename Pass::Gradients adding(Adding<D>(gradients.data(), gradients.data()));
    pass.run(reading(), &adding, batch, pass.mean_scale());
    return pass.loss();
  }
  std::map<std::string, std::span<const S>> named(const std::vector<S>& flat) const {
    std::map<std::string, std::span<const S>> result;
    for (const auto& [name, tensor, offset] : Model::parameters())
      result[name] = {flat.data() + offset, static_cast<std::size_t>(tensor.size())};
    return result;
  }
};

}  // namespace arvit::test
