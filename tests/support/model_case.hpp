// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "arvit/model/pretrain_pass.hpp"
#include "support/fill.hpp"

namespace arvit::test {

/// A pretrainer with hashed weights and images on a device, ordered by given ranks; loss, gradients
/// and predictions by name and place.
template <class Model, class D> struct ModelCase {
  using S = Statistic<D>;
  using Pass = PretrainPass<Model, D>;
  D& device;
  int images;
  std::vector<S> parameters, gradients, pixels, given;
  Pass pass;

  ModelCase(D& on, int count)
      : device(on),
        images(count),
        parameters(Model::parameter_count),
        gradients(Model::parameter_count),
        pass(on, count, std::int64_t{1} << 26) {
    for (const auto& [name, tensor, offset] : Model::parameters())
      fill_parameter<S>(name, {tensor.shape.data(), static_cast<std::size_t>(tensor.dimensions())},
                        {parameters.data() + offset, static_cast<std::size_t>(tensor.size())});
    const auto values = hashed_images(static_cast<std::size_t>(count) * Model::image_width);
    pixels.assign(values.begin(), values.end());
    const auto numbers = hashed_images(static_cast<std::size_t>(count) * Model::given_width,
                                       "features");
    given.assign(numbers.begin(), numbers.end());
    if constexpr (Model::codes > 0)
      for (std::int64_t i = 0; i < std::int64_t{count} * Model::token_given_width; ++i)
        given[i] = std::floor((given[i] / 4 + S(0.5)) * Model::codes);
    const Span<S> conditions(given.data() + std::int64_t{count} * Model::token_given_width,
                             std::int64_t{count} * Model::Encoder::condition_width);
    Model::Encoder::Leading::each_kind_of(
        [&, begin = std::int64_t{0}]<class Kind>(Kind, auto) mutable {
          if constexpr (detail::LabelKind<Kind>)
            for (S& label : std::span(conditions.data() + begin, std::size_t(count)))
              label = std::floor((label / 4 + S(0.5)) * (Kind::classes + 1));
          begin += std::int64_t{count} * Kind::width;
        });
  }
  typename Pass::Parameters reading() const {
    return typename Pass::Parameters(Reading<D>(parameters.data(), parameters.data()));
  }
  Span<const S> given_span() const {
    return {given.data(), static_cast<std::int64_t>(given.size())};
  }
  Span<const S> batch() const { return {pixels.data(), static_cast<std::int64_t>(pixels.size())}; }

  /// Loss (the mean over the batch) and gradients for ranks [images, patches].
  double run(std::span<const int> ranks) {
    pass.order_by_ranks(ranks);
    return run();
  }
  /// ... in the order that the pass has.
  double run() {
    std::fill(gradients.begin(), gradients.end(), S{0});
    const typename Pass::Gradients adding(Adding<D>(gradients.data(), gradients.data()));
    pass.run(reading(), &adding, batch(), pass.mean_scale(), given_span());
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
