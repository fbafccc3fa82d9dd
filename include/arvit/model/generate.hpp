// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "arvit/core/arena.hpp"
#include "arvit/core/buffer.hpp"
#include "arvit/device/planner.hpp"
#include "arvit/model/encoder_pass.hpp"
#include "arvit/model/pretrainer.hpp"
#include "arvit/nn/code_embedding.hpp"
#include "arvit/nn/cross_block.hpp"
#include "arvit/order/rank.hpp"

namespace arvit {

/// Whether a model can predict group after group: its decoder has one stream of queries, which read
/// content of lower ranks and nothing else (TwoStream, Parallel), or whose rows are the content's
/// (Causal).
template <class Model>
inline constexpr bool predicts_by_groups = [] {
  const auto& rules = Model::Decoder::rules;
  const QueryStream& s = rules.streams[0];
  return rules.streams.size() == 1 && rules.class_token != ClassToken::last && !rules.joint &&
         !rules.whole_content && s.content == Sees::before && s.queries == Sees::nothing &&
         s.drop_first == 0 && s.drop_last == 0 && !s.class_query && !s.every_prefix;
}();

/// Predicts the patches of images group after group, each from the content before it. Keys and
/// values of that content are kept, in one matrix per layer, so that the encoder sees every token
/// once; what is predicted is what a whole pass over the same content predicts. (The keys that a
/// Parallel decoder makes of the encoder's outputs are made again for every group.) Memory is taken
/// once.
///
///   generator.begin(ranks);
///   while (generator.remaining()) {
///     prediction = generator.predict({.pixels = content});
///     ... put it into content, or leave what is there
///   }
///
/// Content is what the encoder reads: a batch of pixels or codes, and of conditions if it has some.
/// Patches not yet predicted are not read.
template <class Model, class D> class Generator {
 public:
  using S = Statistic<D>;
  using Space = SpaceOf<D>;
  using Grid = typename Model::Grid;
  using Encoder = typename Model::Encoder;
  using Decoder = typename Model::Decoder;
  static constexpr int patches = Grid::patches, dim = Encoder::dim, first = Encoder::leading_tokens,
                       tokens = patches + first;
  static_assert(predicts_by_groups<Model>,
                "Generator<Model, Device>: the decoder must be TwoStream, Causal or Parallel; the "
                "others' predictions need more than content of lower ranks.");
  static_assert(std::is_same_v<Weight<D>, S>,
                "Generator<Model, Device>: products read the parameters themselves; use a device "
                "whose weights are as wide as its statistics.");

  /// One row per patch of a group.
  struct Prediction {
    std::vector<std::int32_t> image, patch;  ///< of every row; patches in reading order
    std::vector<Activation<D>> values;       ///< [rows, target_width], as the model predicts them
  };

  Generator(D& device, int most_images)
      : Generator(device, most_images, planned_bytes(most_images)) {}

  void load(std::span<const S> parameters) {
    if (static_cast<std::int64_t>(parameters.size()) != Model::parameter_count)
      fail<ShapeError>("generator: ", parameters.size(), " parameters are given, the model has ",
                       Model::parameter_count, ".");
    device_.upload(parameters.data(), parameters_.span());
  }

  /// Begins images of these ranks [images, patches], in reading order: 0 for what is given, the
  /// others in the order in which they are predicted, equal ones together. A Causal decoder needs
  /// different ranks, and reads what is given in reading order.
  void begin(std::span<const int> ranks) {
    const auto images = static_cast<std::int64_t>(ranks.size()) / patches;
    if (images < 1 || images > most_images_ ||
        images * patches != static_cast<std::int64_t>(ranks.size()))
      fail<ShapeError>("generator: ", ranks.size(), " ranks for images of ", patches,
                       " patches; give 1 to ", most_images_, " images.");
    std::vector<std::vector<int>> all(images);
    std::vector<std::int32_t> permutation, one;
    for (std::size_t i = 0; i < all.size(); ++i) {
      profile_of_ranks(ranks.subspan(i * patches, patches), all[i], one);
      permutation.insert(permutation.end(), one.begin(), one.end());
      if (!causal) continue;
      for (std::size_t k = 1; k < all[i].size(); ++k)
        if (all[i][k] != all[i][k - 1] + 1)
          fail<ShapeError>("generator: image ", i, " has ", all[i][k] - all[i][k - 1],
                           " patches of one rank; a Causal decoder predicts one at a time.");
    }
    images_ = images;
    ends_ = std::move(all);
    permutation_host_ = std::move(permutation);
    device_.upload(permutation_host_.data(), permutation_.part(0, images_ * patches));
    for (const auto& cache : qkv_) device_.run(ops::Fill<D>{.y = cache});
    for (const auto& cache : outputs_) device_.run(ops::Fill<D>{.y = cache});
    encoded_.assign(ends_.size(), 0);
    group_ = 0;
  }
  /// Groups that some image still lacks.
  int remaining() const {
    int most = 0;
    for (const auto& ends : ends_) most = std::max(most, static_cast<int>(ends.size()) - 1);
    return std::max(0, most - group_);
  }
  /// Predicts the next group of every image that has one; images with fewer groups are no longer
  /// looked at.
  Prediction predict(const Batch<const S>& content) {
    if (remaining() == 0)
      fail<ShapeError>("generator: all groups are predicted; begin the next images.");
    const DeviceBatch<D> read = batch_.upload(content, images_);
    if (content.conditions.data() != nullptr)
      Encoder::Leading::check_labels(content.conditions.data(), images_);
    ++group_;
    const ArenaScope scope(arena_);
    const Parameters p(Reading<D>(parameters_.data(), parameters_.data()));
    encode(p, content.codes.data(), read);
    return decode(p);
  }

 private:
  template <class, class> friend class Generator;
  using Parameters = typename Model::template Parameters<Reading<D>>;
  using Layer = CrossBlock<typename Encoder::Block>;
  using Reader = typename Layer::Reader;
  static constexpr bool causal =
      detail::NeedsOnePatchPerGroup<Decoder>;  // content row i is the query of patch i + 1

  Generator(D& device, int most_images, std::int64_t capacity)
      : device_(device),
        most_images_(most_images),
        parameters_(device, Model::parameter_count),
        batch_(device, Encoder::batch_widths(), most_images),
        pass_(device, capacity),
        arena_(pass_.arena()) {
    if (most_images < 1)
      fail<OptionError>("batch: ", most_images, " images; it must be at least 1.");
    const std::int64_t rows = std::int64_t{most_images} * tokens;
    permutation_ = arena_.template span<std::int32_t, Space>(std::int64_t{most_images} * patches);
    positions_ = pass_.positions();
    decoder_positions_ = pass_.sincos(Decoder::position_dim);
    std::vector<std::int32_t> places;
    for (std::int32_t i = 0; i < most_images; ++i)
      for (std::int32_t place = 0; place < tokens; ++place) places.push_back(source_of(i, place));
    places_ = pass_.uploaded(places);
    for (int l = 1; l <= Encoder::depth; ++l)
      if (Encoder::template work<Decoder>(l) != Encoder::Work::none)
        qkv_[l] = arena_.template rows<Activation<D>, 3 * dim, Space>(rows);
    for (int point = 0; point <= Encoder::depth; ++point)
      if (Decoder::reads(point).output)
        outputs_[point] = arena_.template rows<Activation<D>, dim, Space>(causal ? most_images
                                                                                 : rows);
  }
  static std::int64_t planned_bytes(int images) {
    using P = PlannerOf<D>;
    P planner = planner_of<D>();
    Generator<Model, P> plan(planner, images, 0);
    std::vector<int> ranks(static_cast<std::size_t>(images) * patches);
    const auto content = Batch<const S>().first(images, Encoder::batch_widths());
    for (std::size_t i = patches; i <= ranks.size(); i += patches)
      ranks[i - 1] = 1;  // the most content
    plan.begin(ranks);
    plan.predict(content);
    if (!causal) {
      std::fill(ranks.begin(), ranks.end(), 1);  // the most queries
      plan.begin(ranks);
      plan.predict(content);
    }
    return plan.arena_.peak();
  }
  /// The content before the group, as far as it is new: its keys and values, and what the decoder
  /// reads of it, join the caches.
  void encode(const Parameters& p, const S* codes, const DeviceBatch<D>& content) {
    std::vector<std::int32_t> source, class_rows, cached, last;
    Attend<HostLists> attend;
    for (std::int32_t i = 0; i < images_; ++i) {
      const auto& ends = ends_[i];
      const bool waits = group_ < static_cast<int>(ends.size());
      if (!waits && group_ > 1) continue;  // at first conditions are read, of all images
      const std::int32_t begin = static_cast<std::int32_t>(source.size()),
                         upto = waits ? first + ends[group_ - 1] : first;
      std::int32_t& row = encoded_[i];
      for (std::size_t rank = 0; row < upto; ++row) {
        while (first + ends[rank] <= row) ++rank;
        if (row < first) class_rows.push_back(static_cast<std::int32_t>(source.size()));
        source.push_back(source_of(i, row));
        cached.push_back(i * tokens + row);
        attend.limit.push_back(causal ? row + 1
                                      : std::min(upto, first + ends[row < first ? 0 : rank]));
        if (Encoder::codes > 0 && row >= first && codes != nullptr) {
          const std::int64_t patch = std::int64_t{i} * patches +
                                     permutation_host_[i * patches + row - first];
          check_codes(codes + patch, 1, 1, Encoder::codes);
        }
      }
      append_segment(
          attend, {begin, static_cast<std::int32_t>(source.size()), i * tokens, i * tokens + upto});
      if (waits) last.push_back(static_cast<std::int32_t>(source.size()) - 1);
    }
    if (source.empty()) return;  // neither class token nor condition
    const ArenaScope scope(arena_);
    const PatchRows<Space> from{pass_.uploaded(source), permutation_};
    const Reach<Space> reach{pass_.uploaded(attend.segments), pass_.uploaded(attend.limit),
                             attend.extents};
    const auto at = pass_.uploaded(cached), of_last = pass_.uploaded(last),
               of_class = pass_.uploaded(class_rows);
    const Context<D> c = pass_.context();
    const Positions<D> positions = Encoder::template positions<D>(positions_, p.encoder);
    const auto h = take_tokens<dim>(c, from.source.size());
    typename Layer::template SavedKeys<D> keys(c, h.rows());
    typename Reader::template Saved<D> saved(c, h.rows());
    const auto keep = [&](int point) {
      if (!Decoder::reads(point).output) return;
      if (causal)
        c.run(ops::GatherRows<D>{
            .x = h, .index = of_last, .y = outputs_[point].slice(0, of_last.size())});
      else  // onto zeros
        c.run(ops::ScatterAddRows<D>{.x = h, .index = at, .y = outputs_[point]});
    };
    Encoder::embed(c, p.encoder, {content, Encoder::shape, from}, of_class, positions, h);
    keep(0);
    for (int l = 1; l <= Encoder::depth; ++l) {
      if (Encoder::template work<Decoder>(l) == Encoder::Work::none) break;
      const auto weights = p.encoder.blocks[l - 1];
      const auto kv = qkv_[l].template columns<dim, 3 * dim>();
      Layer::forward_keys(c, weights, {h, positions.turn(from)}, keys);
      c.run(ops::ScatterAddRows<D>{.x = keys.kv, .index = at, .y = kv});
      if (Encoder::template work<Decoder>(l) != Encoder::Work::all) break;
      Reader::forward(c, weights,
                      {h, Layer::key(kv), Layer::value(kv), reach, positions.turn(from)}, saved, h);
      keep(l);
    }
  }

  /// Rank tables' name of a place in the order of an image, class token and conditions first.
  static constexpr std::int32_t source_of(std::int32_t image, std::int32_t place) {
    return place < first ? -1 - image : image * patches + place - first;
  }

  Prediction decode(const Parameters& p) {
    Prediction result;
    std::vector<std::int32_t> source;
    Attend<HostLists> attend;
    for (std::int32_t i = 0; i < images_; ++i) {
      const auto& ends = ends_[i];
      if (group_ >= static_cast<int>(ends.size())) continue;
      const auto group = static_cast<std::size_t>(group_);
      const std::int32_t begin = static_cast<std::int32_t>(source.size()),
                         seen = first + ends[group - 1];
      for (std::int32_t place = ends[group - 1]; place < ends[group]; ++place) {
        source.push_back(i * patches + place);
        attend.limit.push_back(seen);
        result.image.push_back(i);
        result.patch.push_back(permutation_host_[i * patches + place]);
      }
      append_segment(
          attend, {begin, static_cast<std::int32_t>(source.size()), i * tokens, i * tokens + seen});
    }
    RankTables<DeviceLists<Space>, 1> tables;
    tables.streams[0].source = pass_.uploaded(source);
    tables.streams[0].content = {pass_.uploaded(attend.segments), pass_.uploaded(attend.limit),
                                 attend.extents};
    tables.source = causal
                        ? tables.streams[0].source  // decoders ask how many content rows there are
                        : places_.part(0, images_ * tokens);
    StepContext<D, 1> context{pass_.context()};
    context.tables = tables;
    context.permutation = permutation_;
    context.positions = Encoder::template positions<D>(positions_, p.encoder);
    context.decoder_positions = decoder_positions_;
    context.recompute = true;  // no backward: all blocks share one set of activations
    typename Decoder::template Run<D> decoder(context, p.decoder, {&p.norm, nullptr});
    decoder.forward(0, LayerIO<D, Encoder>{output(0), {}, nullptr});
    for (int l = 1; l <= Encoder::depth; ++l) {
      const auto weights = p.encoder.blocks[l - 1];
      decoder.forward(l, LayerIO<D, Encoder>{output(l), qkv_[l], &weights});
    }
    decoder.finish();
    const auto prediction = decoder.prediction(0);
    result.values.resize(source.size() * Model::target_width);
    device_.download(Span<const Activation<D>, Space>(
                         prediction.data(), static_cast<std::int64_t>(result.values.size())),
                     result.values.data());
    return result;
  }
  ConstTokens<D, dim> output(int point) const {
    return outputs_[point].empty()
               ? ConstTokens<D, dim>()
               : outputs_[point].slice(0, causal ? waiting() : images_ * tokens);
  }
  /// Images that have the group.
  std::int64_t waiting() const {
    return std::count_if(ends_.begin(), ends_.end(),
                         [&](const auto& ends) { return group_ < static_cast<int>(ends.size()); });
  }

  D& device_;
  int most_images_;
  Buffer<D, S> parameters_;
  DeviceBatchMemory<D, S> batch_;
  EncoderPass<Encoder, D> pass_;
  Arena& arena_;
  Span<std::int32_t, Space> permutation_;
  Positions<D> positions_, decoder_positions_;
  Span<const std::int32_t, Space> places_;  ///< the source of every row of the caches
  /// Of each layer; rows image * tokens + place, zero where nothing is known; q stays zero.
  std::array<Tokens<D, 3 * dim>, Encoder::depth + 1> qkv_;
  /// Of each point that the decoder reads, likewise; Causal: the last row of each image.
  std::array<Tokens<D, dim>, Encoder::depth + 1> outputs_;
  std::int64_t images_ = 0;
  int group_ = 0;  ///< predicted last
  std::vector<std::vector<int>> ends_;
  std::vector<std::int32_t> permutation_host_;
  std::vector<std::int32_t> encoded_;  ///< tokens of each image in the caches
};

}  // namespace arvit
