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
#include "arvit/nn/readout.hpp"

namespace arvit {

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
        norm_(device, count_of<typename Encoder::Norm>()),
        batch_(device, this->widths(), options_.batch),
        normed_(device, rows() * Encoder::dim),
        moments_(device, rows() * 2),
        features_(device, options_.batch * this->width()),
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
    const DeviceBatch<P> batch = DeviceBatch<P>().first(images, Encoder::batch_widths());
    for (int extreme = 0; extreme < extremes<typename Model::Order>(); ++extreme) {
      pass.order_extreme(extreme, parameters, batch, counters);
      pass.encode(parameters, batch, [](int, const auto&, const auto&) {});
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
  void pass(const Batch<const S>& on_host, int count, S* features) override {
    const DeviceBatch<D> batch = batch_.upload(on_host, count);
    counters_.clear();
    for (int i = 0; i < count; ++i) counters_.push_back({.seed = seed_, .image = next_++});
    const typename Pass::Parameters parameters(Reading<D>(parameters_.data(), parameters_.data()));
    Reading<D> at(norm_.data(), norm_.data());
    const typename Encoder::Norm::template Parameters<Reading<D>> norm(at);
    pass_.order(parameters, batch, counters_);
    pass_.encode(
        parameters, batch, [&](int layer, ConstTokens<D, Encoder::dim> h, const auto& tables) {
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

  using Source::options_;
  D& device_;
  std::uint64_t seed_;
  Buffer<D, S> parameters_, norm_;
  DeviceBatchMemory<D, S> batch_;
  Buffer<D, Activation<D>> normed_;
  Buffer<D, S> moments_, features_;
  Pass pass_;
  std::vector<Counter> counters_;
  std::uint32_t next_ = 0;
};

}  // namespace arvit
