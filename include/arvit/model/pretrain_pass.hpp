// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "arvit/core/arena.hpp"
#include "arvit/device/planner.hpp"
#include "arvit/model/encoder_pass.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/order/rank.hpp"

namespace arvit {

namespace detail {
/// to[branch, row] = from[branch, the row's image]; one number per call.
template <class S> struct DropPathWork {
  const S* from;
  const std::int32_t* source;
  std::int64_t rows, images, patches;
  S* to;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int32_t at = source[i % rows];
    const std::int64_t image = at < 0 ? -1 - at : at / patches;
    to[i] = from[i / rows * images + image];
  }
};
}  // namespace detail

/// One step of a pretrainer on a device: order (profile, keys, sort, pack), then forward and
/// backward. Owns the tables and the activations of at most `most_images` images, taken once at
/// construction; a step allocates nothing.
template <class Model, class D> class PretrainPass {
 public:
  static_assert(sizeof(Model) > 0);  // a wrong model says here what is wrong
  using Encoder = typename Model::Encoder;
  using Decoder = typename Model::Decoder;
  using Grid = typename Model::Grid;
  using Space = SpaceOf<D>;
  using Parameters = typename Model::template Parameters<Reading<D>>;
  using Gradients = typename Model::template Parameters<Adding<D>>;
  static constexpr std::size_t streams = Model::streams;
  static constexpr int patches = Grid::patches;

  /// `capacity`: bytes of activations, as activation_bytes() says.
  /// `keep_dead`: content that no query reads is there too, for encode().
  PretrainPass(D& device, int most_images, std::int64_t capacity, bool keep_dead = false)
      : device_(device),
        most_images_(most_images),
        engine_(rules(keep_dead), patches, most_images),
        whole_(Model::rules, patches, most_images),
        pass_(device, capacity),
        arena_(pass_.arena()),
        ends_(std::size_t(most_images) * (patches + 1)),
        keys_host_(std::size_t(most_images) * patches) {
    if (most_images < 1)
      fail<OptionError>("batch: ", most_images, " images; it must be at least 1.");
    permutation_ = arena_.template span<std::int32_t, Space>(std::int64_t{most_images} * patches);
    loss_ = arena_.template span<double, Space>(streams);
    positions_ = pass_.positions();
    decoder_positions_ = pass_.sincos(Decoder::position_dim);
    step_begin_ = arena_.used();
  }

  /// Sets the drop-path rate of the last encoder layer; earlier layers have less, linearly (Huang
  /// et al. 2016). 0: none.
  void drop_path(double rate) {
    if (rate < 0 || rate >= 1)
      fail<OptionError>("drop_path: ", rate, "; it must be at least 0 and below 1.");
    drop_path_rate_ = rate;
    drop_path_host_.reserve(rate > 0 ? branches * std::int64_t{most_images_} : 0);
  }

  /// Whether blocks keep their inputs only and compute the rest again in backward: the same bits
  /// from less memory.
  void recompute(bool yes) { recompute_ = yes; }

  /// Draws the orders of a batch of counters.size() images, which only two orders read: one from
  /// features, with `order_parameters` (the current ones, or an average of them), what the encoder
  /// reads; one from the teacher its tokens.
  void order(const Parameters& order_parameters, const DeviceBatch<D>& batch,
             std::span<const Counter> counters) {
    begin(static_cast<int>(counters.size()));
    for (const Counter& counter : counters)
      append(
          [&](std::span<int> ends) { return Model::Order::template profile<Grid>(counter, ends); });
    sort(order_parameters, batch, counters);
  }
  /// ... with the profile that memory is planned for (rank.hpp): rows enough for any batch of as
  /// many images, of all extremes together.
  void order_extreme(int which, const Parameters& order_parameters, const DeviceBatch<D>& batch,
                     std::span<const Counter> counters) {
    begin(static_cast<int>(counters.size()));
    for (std::size_t i = 0; i < counters.size(); ++i)
      append([&](std::span<int> ends) {
        return extreme_profile<typename Model::Order, Grid>(which, Model::rules, ends);
      });
    sort(order_parameters, batch, counters);
  }

  /// Takes given ranks [images, patches] in reading order instead; rank 0 joins the condition.
  void order_by_ranks(std::span<const int> ranks, std::span<const Counter> counters = {}) {
    if (ranks.size() % patches != 0 ||
        (!counters.empty() && counters.size() != ranks.size() / patches))
      fail<ShapeError>("batch: ", ranks.size(), " ranks and ", counters.size(),
                       " counters, an image has ", patches, " ranks and one counter.");
    begin(static_cast<int>(ranks.size()) / patches);
    counters_.assign(counters.begin(), counters.end());
    std::vector<int> ends;
    std::vector<std::int32_t> permutation, all;
    for (std::size_t i = 0; i < ranks.size() / patches; ++i) {
      profile_of_ranks(ranks.subspan(i * patches, patches), ends, permutation);
      engine_.append(ends);
      all.insert(all.end(), permutation.begin(), permutation.end());
    }
    device_.upload(all.data(), permutation_.part(0, static_cast<std::int64_t>(all.size())));
  }

  /// Rows of each stream that carry loss: what `scale` divides by (times the target's width) over
  /// the whole batch.
  std::array<std::int64_t, streams> loss_rows() const {
    std::array<std::int64_t, streams> rows{};
    for (std::size_t s = 0; s < streams; ++s)
      rows[s] = static_cast<std::int64_t>(engine_.tables().streams[s].source.size());
    return rows;
  }
  /// scale[s] = 1 / (rows * width): the mean over the entries of this batch alone.
  std::array<double, streams> mean_scale() const {
    std::array<double, streams> scale{};
    for (std::size_t s = 0; s < streams; ++s)
      scale[s] = loss_rows()[s] > 0
                     ? 1.0 / (static_cast<double>(loss_rows()[s]) * Model::target_width)
                     : 0.0;
    return scale;
  }

  /// Forward on the ordered batch and, when `gradients` is given, backward: gradients are added to.
  /// Returns nothing; see loss(). `look(stream, prediction)` sees the predictions, rows as
  /// tables().streams[stream].source names them.
  template <class Look = int>
  void run(const Parameters& p, const Gradients* gradients, const DeviceBatch<D>& batch,
           const std::array<double, streams>& scale, Look&& look = 0) {
    check_batch(batch, Model::batch_widths, engine_.images());
    const ArenaScope scope(arena_);
    StepContext<D, streams> context{pass_.context()};
    context.tables = pass_.uploaded(engine_.tables());
    context.permutation = permutation_;
    context.positions = Encoder::template positions<D>(
        positions_, p.encoder, gradients == nullptr ? nullptr : &gradients->encoder);
    context.decoder_positions = decoder_positions_;
    context.drop_path = drawn_drop_path(context.tables.source);
    context.recompute = recompute_ && gradients != nullptr;
    const FinalNorm<D, Encoder> norm{&p.norm, gradients == nullptr ? nullptr : &gradients->norm};
    typename Decoder::template Run<D> decoder(context, p.decoder, norm);
    typename Encoder::template Run<D, Decoder> encoder(context, p.encoder, batch);
    encoder.forward(decoder);
    decoder.finish();
    context.run(ops::Fill<D, double>{.y = detail::as_row(loss_)});
    std::array<Tokens<D, Model::target_width>, streams> dprediction;
    for (std::size_t s = 0; s < streams; ++s) {
      const auto prediction = decoder.prediction(s);
      if constexpr (!std::is_same_v<std::remove_cvref_t<Look>, int>) look(s, prediction);
      dprediction[s] = take_tokens<Model::target_width>(context, prediction.rows());
      Model::Target::template loss<Grid, D>(
          context, {batch, Encoder::shape, context.patches_of(s), Model::Target::standardise},
          {engine_.images(), Model::class_row(s), scale[s]}, prediction,
          {dprediction[s], loss_.part(s, s + 1)});
    }
    if (gradients == nullptr) return;
    decoder.finish_backward(dprediction, gradients->decoder);
    encoder.backward(decoder, gradients->encoder, gradients->decoder);
  }
  /// The encoder alone on the ordered batch, each token seeing what it sees in pre-training:
  /// each(layer, tokens before the norm, tables) after every layer.
  template <class Each> void encode(const Parameters& p, const DeviceBatch<D>& batch, Each&& each) {
    check_batch(batch, Encoder::batch_widths(), engine_.images());
    const ArenaScope scope(arena_);
    const auto tables = pass_.uploaded(engine_.tables());
    pass_.walk(p.encoder,
               {{batch, Encoder::shape, {tables.source, permutation_}},
                tables.class_rows,
                Encoder::template positions<D>(positions_, p.encoder),
                StepContext<D, streams>::reach(tables.content)},
               [&](int layer, const auto& tokens, const auto&) {
                 each(layer, ConstTokens<D, Encoder::dim>(tokens), tables);
               });
  }
  /// The loss of the last run, stream by stream, and their sum.
  std::array<double, streams> stream_losses() {
    std::array<double, streams> values{};
    device_.download(Span<const double, Space>(loss_), values.data());
    return values;
  }
  double loss() {
    double sum = 0;
    for (const double value : stream_losses()) sum += value;
    return sum;
  }
  /// The patch in each place of each image's order [images, patches], after order().
  std::vector<std::int32_t> permutation() {
    std::vector<std::int32_t> result(std::size_t(engine_.images()) * patches);
    device_.download(Span<const std::int32_t, Space>(permutation_.part(0, result.size())),
                     result.data());
    return result;
  }
  const RankTables<HostLists, streams>& tables() const { return engine_.tables(); }
  std::int64_t peak_bytes() const { return arena_.peak(); }
  std::int64_t pieces() const { return arena_.pieces(); }

  /// Bytes of activations that any batch of `images` needs: the pass itself, on a device that only
  /// measures.
  static std::int64_t activation_bytes(int images, bool backward, double drop_path = 0,
                                       bool recompute = false) {
    using P = PlannerOf<D>;
    P planner = planner_of<D>();
    PretrainPass<Model, P> pass(planner, images, 0);
    pass.drop_path(drop_path);
    pass.recompute(recompute);
    const std::vector<Counter> counters(images);
    const typename PretrainPass<Model, P>::Parameters parameters(Reading<P>(nullptr, nullptr));
    const typename PretrainPass<Model, P>::Gradients gradients(Adding<P>(nullptr, nullptr));
    const DeviceBatch<P> batch = DeviceBatch<P>().first(images, Model::batch_widths);
    constexpr int most = extremes<typename Model::Order>();
    for (int extreme = 0; extreme < most; ++extreme) {
      pass.order_extreme(extreme, parameters, batch, counters);
      pass.run(parameters, backward ? &gradients : nullptr, batch, {});
    }
    // What lies between extremes is rounded up piece by piece.
    return pass.peak_bytes() + (most > 1 ? pass.pieces() * Arena::alignment : 0);
  }

 private:
  static constexpr auto rules(bool keep_dead) {
    auto rules = Model::rules;
    rules.keep_dead = rules.keep_dead || keep_dead;
    return rules;
  }
  void begin(int images) {
    if (images < 1 || images > most_images_)
      fail<ShapeError>("batch: ", images, " images, the plan holds 1 to ", most_images_, ".");
    engine_.clear();
    arena_.release(step_begin_);
  }
  void append(auto&& profile) {
    const int groups = profile(std::span<int>(ends_).first(patches + 1));
    engine_.append(std::span<const int>(ends_).first(groups));
  }
  void sort(const Parameters& order_parameters, const DeviceBatch<D>& batch,
            std::span<const Counter> counters) {
    counters_.assign(counters.begin(), counters.end());
    const std::int64_t count = engine_.images();
    const ArenaScope scope(arena_);
    const auto keys = arena_.template matrix<float, Space>(count, patches);
    if constexpr (detail::OrderFromTeacher<typename Model::Order>) {
      check_batch(batch, {.tokens = Model::batch_widths.tokens}, count);
      order_by_teacher(batch.tokens, keys);
    } else if constexpr (FeatureOrder<typename Model::Order>) {
      check_batch(batch, Encoder::batch_widths(), count);
      order_by_features(order_parameters, batch, keys);
    } else {
      for (std::int64_t i = 0; i < count; ++i)
        Model::Order::template keys<Grid>(
            counters[i], std::span<float>(keys_host_).subspan(i * patches, patches));
      device_.upload(keys_host_.data(), Span<float, Space>(keys.data(), count * patches));
    }
    device_.run(ops::Argsort<D>{
        .keys = keys, .order = Matrix<std::int32_t, Space>(permutation_.data(), count, patches)});
  }
  /// Uniform numbers [images, patches] for orders that break ties with them.
  Matrix<const float, Space> upload_noise() {
    const std::int64_t count = engine_.images();
    for (std::int64_t i = 0; i < count; ++i)
      fill_uniform(std::span<float>(keys_host_).subspan(i * patches, patches),
                   counters_[i].with(Purpose::order));
    const auto noise = arena_.template matrix<float, Space>(count, patches);
    device_.upload(keys_host_.data(), Span<float, Space>(noise.data(), count * patches));
    return noise;
  }
  void order_by_teacher(Span<const Statistic<D>, Space> tokens, Matrix<float, Space> keys) {
    const ArenaScope scope(arena_);
    constexpr int width = Model::Target::template token_width<Grid>;
    Model::Order::keys(
        device_, arena_,
        OrderFeatures<Statistic<D>, Space>{{tokens.data(), tokens.size() / width, width},
                                           {},
                                           0,
                                           Grid::rows,
                                           Grid::columns,
                                           engine_.images(),
                                           upload_noise()},
        keys);
  }
  void order_by_features(const Parameters& p, const DeviceBatch<D>& batch,
                         Matrix<float, Space> keys) {
    const std::int64_t count = engine_.images();
    whole_.clear();
    for (std::int64_t i = 0; i < count; ++i) {
      whole_.append_whole();
      for (int slot = 0; slot < patches; ++slot) identity_.push_back(slot);
    }
    const ArenaScope scope(arena_);
    const auto tables = pass_.uploaded(whole_.tables());
    const auto noise = upload_noise();
    const auto identity = arena_.template span<std::int32_t, Space>(count * patches);
    device_.upload(identity_.data(), identity);
    identity_.clear();
    Matrix<const Activation<D>, Space> qkv;
    const Context<D> c = pass_.context();
    const auto h = pass_.walk(p.encoder,
                              {{batch, Encoder::shape, {tables.source, identity}},
                               tables.class_rows,
                               Encoder::template positions<D>(positions_, p.encoder),
                               StepContext<D, streams>::reach(tables.content),
                               true},
                              [&](int, const auto&, const auto& of_layer) { qkv = of_layer; });
    const auto moments = take_statistics<2>(c, h.rows());
    const auto tokens = take_tokens<Encoder::dim>(c, h.rows());
    Encoder::Norm::forward(c, p.norm, h, tokens, moments);
    Model::Order::keys(device_, arena_,
                       OrderFeatures<Activation<D>, Space>{tokens, qkv, Encoder::heads, Grid::rows,
                                                           Grid::columns, count, noise},
                       keys);
  }
  /// Drop path of every branch and row [2 * depth, content rows]: drawn per image, then spread over
  /// its rows.
  RowScale<D> drawn_drop_path(Span<const std::int32_t, Space> source) {
    if (drop_path_rate_ == 0 || counters_.empty()) return {};
    drop_path_host_.clear();
    for (int branch = 0; branch < branches; ++branch) {
      const double rate = Encoder::depth > 1 ? drop_path_rate_ * (branch / 2) / (Encoder::depth - 1)
                                             : drop_path_rate_;
      const auto kept = static_cast<Statistic<D>>(1 / (1 - rate));
      for (const Counter& counter : counters_) {
        Stream stream(counter.with(Purpose::drop_path, static_cast<std::uint32_t>(branch)));
        drop_path_host_.push_back(stream.uniform() < rate ? Statistic<D>{0} : kept);
      }
    }
    const auto of_images = arena_.template span<Statistic<D>, Space>(
        static_cast<std::int64_t>(drop_path_host_.size()));
    const auto of_rows = arena_.template span<Statistic<D>, Space>(branches * source.size());
    device_.upload(drop_path_host_.data(), of_images);
    device_.for_each(of_rows.size(),
                     detail::DropPathWork<Statistic<D>>{
                         of_images.data(), source.data(), source.size(),
                         static_cast<std::int64_t>(counters_.size()), patches, of_rows.data()});
    return of_rows;
  }

  static constexpr int branches = 2 * Encoder::depth;
  D& device_;
  int most_images_;
  RankEngine<streams> engine_, whole_;
  EncoderPass<Encoder, D> pass_;
  Arena& arena_;
  std::int64_t step_begin_ = 0;
  Span<std::int32_t, Space> permutation_;
  Span<double, Space> loss_;
  Positions<D> positions_, decoder_positions_;
  double drop_path_rate_ = 0;
  bool recompute_ = false;
  std::vector<int> ends_;
  std::vector<float> keys_host_;
  std::vector<std::int32_t> identity_;
  std::vector<Counter> counters_;
  std::vector<Statistic<D>> drop_path_host_;
};

}  // namespace arvit
