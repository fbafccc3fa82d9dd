// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "arvit/core/buffer.hpp"
#include "arvit/device/planner.hpp"
#include "arvit/model/features.hpp"
#include "arvit/model/pretrain_pass.hpp"

namespace arvit {

namespace detail {
/// out[image] = mean of the image's patch rows; one channel of one image per call.
template <class A, class S> struct MeanOfPatchesWork {
  const A* rows;
  std::int64_t stride, per_image, dim;
  const std::int32_t* source;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t image = i / dim, c = i % dim;
    double sum = 0;
    std::int64_t count = 0;
    for (std::int64_t row = image * per_image; row < (image + 1) * per_image; ++row)
      if (source[row] >= 0) {
        sum += static_cast<double>(static_cast<Accumulator<A>>(rows[row * stride + c]));
        ++count;
      }
    out[image * out_stride + c] = static_cast<S>(sum / static_cast<double>(count));
  }
};
/// out[image] = the image's first class row; one channel of one image per call.
template <class A, class S> struct ClassRowsWork {
  const A* rows;
  std::int64_t stride, dim;
  const std::int32_t* class_rows;
  std::int64_t per_image;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    out[i / dim * out_stride + i % dim] = static_cast<S>(
        static_cast<Accumulator<A>>(rows[class_rows[i / dim * per_image] * stride + i % dim]));
  }
};
}  // namespace detail

/// Features of an encoder that keeps the attention mask of pre-training (GVP's linear probe; the
/// other papers drop it): every image has an order of its own, drawn as in pre-training from the
/// seed and the number of the image since the parameters were loaded, and each token sees what the
/// order allows: of MAE and SimMIM the masked patches too, as content of the higher rank (SimMIM
/// has no mask). Readouts: class token and mean, of any layer. Pictures of the model's own size.
template <class Model, Device D> class MaskedFeatures final : public FeatureSource<Statistic<D>> {
 public:
  using S = Statistic<D>;
  using Source = FeatureSource<S>;
  using Space = SpaceOf<D>;
  using Encoder = typename Model::Encoder;
  using Grid = typename Model::Grid;
  using Pass = PretrainPass<Model, D>;
  static_assert(std::is_same_v<Weight<D>, S>,
                "MaskedFeatures<Model, Device>: products read the parameters themselves; use a "
                "device whose weights are as wide as its statistics.");

  /// Options outside their ranges, and a model whose order comes from its teacher, throw
  /// OptionError.
  MaskedFeatures(D& device, FeatureOptions options, std::uint64_t seed)
      : Source(
            std::type_identity<Encoder>(), checked(options), Encoder::shape,
            std::vector<std::vector<int>>(options.features.size(), std::vector<int>{Encoder::dim})),
        device_(device),
        seed_(seed),
        parameters_(device, Model::parameter_count),
        norm_(device, Encoder::Norm::parameter_count),
        images_(device, options_.batch * std::int64_t{Model::image_width}),
        given_(device, options_.batch * std::int64_t{Model::given_width}),
        normed_(device, rows() * Encoder::dim),
        moments_(device, rows() * 2),
        features_(device, options_.batch * this->width()),
        given_host_(static_cast<std::size_t>(options_.batch) * Model::given_width),
        pass_(device, options_.batch, planned_bytes(options_.batch), true) {}

 private:
  static constexpr std::int64_t tokens = Grid::patches + detail::class_rows(Model::rules);
  std::int64_t rows() const { return options_.batch * tokens; }

  static FeatureOptions checked(FeatureOptions& options) {
    if (detail::OrderFromTeacher<typename Model::Order>)
      fail<OptionError>(
          "mask 'order': the model's order comes from its teacher, who is not here; choose none.");
    options = FeatureExtractor<Encoder, D>::checked(options);
    if (options.height != Grid::height || options.width != Grid::width)
      fail<OptionError>(
          "mask 'order': orders are drawn on the model's own grid; leave the size of the pictures "
          "as it is.");
    for (const Feature& feature : options.features)
      if (feature.readout != Readout::class_token && feature.readout != Readout::mean)
        fail<OptionError>("pooling: '", readout_name(feature.readout),
                          "' with mask 'order'; choose class or mean, or no mask.");
    return options;
  }
  static std::int64_t planned_bytes(int images) {
    using P = PlannerOf<D>;
    P planner = planner_of<D>();
    PretrainPass<Model, P> pass(planner, images, 0, true);
    const typename PretrainPass<Model, P>::Parameters parameters(Reading<P>(nullptr, nullptr));
    const std::vector<Counter> counters(images);
    const Span<const S, SpaceOf<P>> pixels(nullptr, std::int64_t{images} * Model::image_width),
        given(nullptr, std::int64_t{images} * Model::given_width);
    for (int extreme = 0; extreme < extremes<typename Model::Order>(); ++extreme) {
      pass.order_extreme(extreme, parameters, pixels, counters, given);
      pass.encode(parameters, pixels, given, [](int, const auto&, const auto&) {});
    }
    return pass.peak_bytes() + pass.pieces() * Arena::alignment;
  }

  void take(const S* parameters) override {
    const std::int64_t of_model = Model::Decoder::uses_norm ? Encoder::parameter_count
                                                            : Encoder::body_parameter_count;
    device_.upload(parameters, parameters_.span().part(0, of_model));
    device_.upload(parameters + Encoder::body_parameter_count, norm_.span());
    next_ = 0;
  }
  void pass(const S* images, int count, S* features) override {
    const auto pixels = images_.span().part(0, std::int64_t{count} * Model::image_width),
               given = given_.span().part(0, std::int64_t{count} * Model::given_width);
    if (!pixels.empty()) device_.upload(images, pixels);
    // What a target would be given lies before the conditions, and is not read.
    S* const of_conditions = given_host_.data() + std::int64_t{count} * Model::token_given_width;
    if constexpr (Encoder::codes > 0) {
      tokenizer_(images, count, given_host_.data());
      check_codes(given_host_.data(), count, Grid::patches, Encoder::codes);
    }
    if constexpr (Encoder::condition_width > 0) {
      conditions_(images, count, of_conditions);
      Encoder::Leading::check_labels(of_conditions, count);
    }
    device_.upload(static_cast<const S*>(given_host_.data()), given);
    counters_.clear();
    for (int i = 0; i < count; ++i) counters_.push_back({.seed = seed_, .image = next_++});
    const typename Pass::Parameters parameters(Reading<D>(parameters_.data(), parameters_.data()));
    Reading<D> at(norm_.data(), norm_.data());
    const typename Encoder::Norm::template Parameters<Reading<D>> norm(at);
    pass_.order(parameters, pixels, counters_, given);
    pass_.encode(
        parameters, pixels, given,
        [&](int layer, ConstTokens<D, Encoder::dim> h, const auto& tables) {
          const Tokens<D, Encoder::dim> normed(normed_.data(), h.rows());
          this->each_feature(
              layer,
              [&] {
                Arena none;
                Encoder::Norm::forward(Context<D>{device_, none}, norm, h, normed,
                                       Rows<S, 2, Space>(moments_.data(), h.rows()));
              },
              [&](const Feature& feature, std::int64_t column) {
                const ConstTokens<D, Encoder::dim> x = feature.norm
                                                           ? ConstTokens<D, Encoder::dim>(normed)
                                                           : h;
                S* const out = features_.data() + column;
                if (feature.readout == Readout::mean)
                  device_.for_each(std::int64_t{count} * Encoder::dim,
                                   detail::MeanOfPatchesWork<Activation<D>, S>{
                                       x.data(), x.stride(), tokens, Encoder::dim,
                                       tables.source.data(), out, this->width()});
                else
                  device_.for_each(std::int64_t{count} * Encoder::dim,
                                   detail::ClassRowsWork<Activation<D>, S>{
                                       x.data(), x.stride(), Encoder::dim, tables.class_rows.data(),
                                       detail::class_rows(Model::rules), out, this->width()});
              });
        });
    device_.download(Span<const S, Space>(features_.span().part(0, count * this->width())),
                     features);
  }

  using Source::options_, Source::tokenizer_, Source::conditions_;
  D& device_;
  std::uint64_t seed_;
  Buffer<D, S> parameters_, norm_, images_, given_;
  Buffer<D, Activation<D>> normed_;
  Buffer<D, S> moments_, features_;
  std::vector<S> given_host_;
  Pass pass_;
  std::vector<Counter> counters_;
  std::uint32_t next_ = 0;
};

}  // namespace arvit
