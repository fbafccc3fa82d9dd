// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "arvit/core/arena.hpp"
#include "arvit/core/buffer.hpp"
#include "arvit/core/dtype.hpp"
#include "arvit/core/error.hpp"
#include "arvit/core/host_device.hpp"
#include "arvit/device/concept.hpp"
#include "arvit/device/planner.hpp"
#include "arvit/model/encoder_pass.hpp"
#include "arvit/nn/code_embedding.hpp"
#include "arvit/nn/patch_embedding.hpp"
#include "arvit/nn/positions/resize.hpp"
#include "arvit/nn/readout.hpp"
#include "arvit/order/rank.hpp"

/// Features of images from an encoder: the unmasked pass, and what is read from it.
namespace arvit {

/// What is read from the tokens of a layer, per image.
enum class Readout : char {
  /// [dim]
  class_token,
  /// [dim], mean of the patch tokens
  mean,
  /// [tokens, dim], class token and conditions first, patches in reading order
  tokens,
  /// [heads, patches], what the class token reads of each patch inside the layer; the rest it reads
  /// of itself
  attention,
  /// [patches], cosine of class token and patch token
  class_cosine,
  /// [condition_width()], what the encoder's conditions are made of, before any layer (GVP Table 7,
  /// y_extra alone)
  condition,
};

/// One feature: a readout of one layer. Layer 0 means the last; the final norm belongs to the last
/// layer only.
struct Feature {
  Readout readout = Readout::class_token;
  int layer = 0;
  bool norm = true;
};

struct FeatureOptions {
  int batch = 32;             ///< most images of one pass
  int height = 0, width = 0;  ///< of the images in pixels; 0: the encoder's own
  std::vector<Feature> features{Feature{}};
  PositionResize positions = PositionResize::bicubic;  ///< when the grid is not the encoder's own
};

inline std::string_view readout_name(Readout readout) {
  switch (readout) {
    case Readout::class_token:
      return "class";
    case Readout::mean:
      return "mean";
    case Readout::tokens:
      return "tokens";
    case Readout::attention:
      return "attention";
    case Readout::class_cosine:
      return "cosine";
    case Readout::condition:
      return "condition";
  }
  return "";
}
inline Readout readout_from(std::string_view name) {
  if (name == "similarity") return Readout::class_cosine;  // its name in earlier scripts
  return static_cast<Readout>(place_of_name(
      "pooling", name, {"class", "mean", "tokens", "attention", "cosine", "condition"}));
}

inline PositionResize position_resize_from(std::string_view name) {
  return static_cast<PositionResize>(place_of_name("positions", name, {"bicubic", "antialiased"}));
}

/// The encoder's part of a pretrainer's parameters. Where no decoder applies the final norm it
/// starts as the identity.
template <class Model, class S> std::vector<S> encoder_parameters(std::span<const S> model) {
  using Encoder = typename Model::Encoder;
  if (static_cast<std::int64_t>(model.size()) != Model::parameter_count)
    fail<ShapeError>("encoder: ", model.size(), " parameters are given, the model has ",
                     Model::parameter_count, ".");
  const std::int64_t given = Model::Decoder::uses_norm ? Encoder::parameter_count
                                                       : Encoder::body_parameter_count;
  std::vector<S> result(model.begin(), model.begin() + given);
  if (given != Encoder::parameter_count) {
    result.insert(result.end(), Encoder::dim, S{1});
    result.insert(result.end(), Encoder::dim, S{0});
  }
  return result;
}

/// Makes a part of a batch from images [count, 3, height, width], normalised as in pre-training:
/// codes [count, patches] in reading order, or conditions, kind after kind [count, width].
template <class T>
using PartFunction = std::function<void(const T* images, std::int64_t count, T* numbers)>;

/// A frozen encoder whose type is known only where it is made: images in, one row of features per
/// image out. What reads features is compiled once, not per encoder. `T` is float, or double in
/// tests.
template <class T> class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  FeatureSource(const FeatureSource&) = delete;
  FeatureSource& operator=(const FeatureSource&) = delete;

  /// Takes the parameters of the encoder with its final norm, in the order of
  /// Encoder::parameters().
  void load(std::span<const T> parameters) {
    if (static_cast<std::int64_t>(parameters.size()) != parameter_count_)
      fail<ShapeError>("features: ", parameters.size(), " parameters are given, the encoder has ",
                       parameter_count_, ".");
    take(parameters.data());
  }
  /// images [count, 3, height, width] on the host, normalised as in pre-training; result [count,
  /// width()], any count.
  void extract(const T* images, std::int64_t count, T* features) {
    if (codes_ > 0 && !tokenizer_)
      fail<OptionError>(
          "features: the encoder reads codes, and no tokenizer is given; give the codebook that it "
          "was trained with.");
    if (condition_width_ > 0 && !conditions_)
      fail<OptionError>(
          "features: the encoder has conditions, and nothing is given that makes them; give what "
          "it was trained with.");
    for (std::int64_t first = 0; first < count; first += options_.batch) {
      const std::int64_t part = std::min<std::int64_t>(options_.batch, count - first);
      pass(batch_of(images + first * image_width(), part), static_cast<int>(part),
           features + first * width());
    }
  }
  /// An encoder that reads codes() codes needs a tokenizer, for images of shape(), before it
  /// extracts.
  void tokenizer(PartFunction<T> tokenizer) { tokenizer_ = std::move(tokenizer); }
  int codes() const { return codes_; }
  /// ... and one with conditions what makes them, condition_width() numbers an image.
  void conditions(PartFunction<T> conditions) { conditions_ = std::move(conditions); }
  int condition_width() const { return condition_width_; }
  std::vector<T> extract(std::span<const T> images) {
    const auto values = static_cast<std::int64_t>(images.size());
    if (values % image_width() != 0)
      fail<ShapeError>("features: ", values, " pixel values are no whole number of images of ",
                       image_width(), " values (3 x ", shape_.height, " x ", shape_.width, ").");
    std::vector<T> features(values / image_width() * width());
    extract(images.data(), values / image_width(), features.data());
    return features;
  }

  /// Numbers in one image [3, height, width] and in its row of features.
  std::int64_t image_width() const { return shape_.size(); }
  std::int64_t width() const { return offsets_.back(); }
  /// The columns begin .. end of feature `i` in that row, and its extents.
  std::int64_t begin(std::size_t i) const { return offsets_[i]; }
  std::int64_t end(std::size_t i) const { return offsets_[i + 1]; }
  const std::vector<int>& feature_shape(std::size_t i) const { return feature_shapes_.at(i); }
  ImageShape shape() const { return shape_; }
  const FeatureOptions& options() const { return options_; }

 protected:
  /// An encoder of that type, at a size of images.
  template <class Encoder>
  FeatureSource(std::type_identity<Encoder>, FeatureOptions options, ImageShape shape,
                std::vector<std::vector<int>> feature_shapes)
      : options_(std::move(options)),
        shape_(shape),
        codes_(Encoder::codes),
        condition_width_(Encoder::condition_width),
        parameter_count_(Encoder::parameter_count),
        check_labels_(Encoder::Leading::template check_labels<T>),
        widths_(Encoder::batch_widths(shape)),
        made_(widths_.beside_pixels(), options_.batch),
        feature_shapes_(std::move(feature_shapes)) {
    offsets_.push_back(0);
    for (const std::vector<int>& extents : feature_shapes_) {
      std::int64_t width = 1;
      for (const int extent : extents) width *= extent;
      offsets_.push_back(offsets_.back() + width);
    }
  }
  virtual void take(const T* parameters) = 0;
  /// What the encoder reads of at most options().batch images, and their features.
  virtual void pass(const Batch<const T>& batch, int count, T* features) = 0;
  const BatchWidths& widths() const { return widths_; }
  /// read(feature, the first of its columns) for every feature of a layer, after norm() if one of
  /// them is normed.
  template <class Norm, class Read> void each_feature(int layer, Norm norm, Read read) const {
    bool normed = false;
    for (std::size_t i = 0; i < options_.features.size(); ++i) {
      const Feature& feature = options_.features[i];
      if (feature.layer != layer) continue;
      if (feature.norm && !normed) norm();
      normed = normed || feature.norm;
      read(feature, begin(i));
    }
  }
  FeatureOptions options_;
  ImageShape shape_;

 private:
  Batch<const T> batch_of(const T* images, std::int64_t count) {
    Batch<T> made = made_.first(count);
    if (codes_ > 0) {
      tokenizer_(images, count, made.codes.data());
      check_codes(made.codes.data(), count, widths_.codes, codes_);
    }
    if (condition_width_ > 0) {
      conditions_(images, count, made.conditions.data());
      check_labels_(made.conditions.data(), count);
    }
    Batch<const T> batch = made;
    batch.pixels = {images, count * widths_.pixels};
    return batch;
  }

  int codes_, condition_width_;
  PartFunction<T> tokenizer_, conditions_;
  std::int64_t parameter_count_;
  void (*check_labels_)(const T* conditions, std::int64_t images);
  BatchWidths widths_;
  HostBatch<T> made_;
  std::vector<std::vector<int>> feature_shapes_;
  std::vector<std::int64_t> offsets_;
};

/// Runs a frozen encoder over images of any number and reads features from chosen layers, side by
/// side in one row per image. Height and width may be any multiples of the patch: positions are
/// interpolated from the encoder's grid (resized_positions). All memory is taken at construction,
/// as a run on a measuring device says; a pass allocates nothing.
template <class Encoder, Device D>
class FeatureExtractor final : public FeatureSource<Statistic<D>> {
 public:
  using S = Statistic<D>;
  using Source = FeatureSource<S>;
  using Space = SpaceOf<D>;
  using Grid = typename Encoder::Grid;
  static constexpr bool separate_weights = !std::is_same_v<Weight<D>, S>;

  /// Options outside their ranges throw OptionError.
  FeatureExtractor(D& device, FeatureOptions options)
      : FeatureExtractor(device, options, activation_bytes(options)) {}

  /// Bytes of activations that a pass needs, besides the batch.
  static std::int64_t activation_bytes(const FeatureOptions& options) {
    using P = PlannerOf<D>;
    P planner = planner_of<D>();
    FeatureExtractor<Encoder, P> extractor(planner, options, 0);
    extractor.pass(Batch<const S>().first(options.batch, extractor.widths()), options.batch,
                   nullptr);
    return extractor.peak_bytes();
  }

  using Source::width;
  int tokens() const { return tokens_; }
  std::int64_t peak_bytes() const { return arena_.peak(); }
  std::int64_t parameter_bytes() const { return masters_.bytes() + weights_.bytes(); }
  std::int64_t activation_bytes() const { return pass_.bytes() + batch_.bytes(); }

 private:
  template <class E, Device X> friend class FeatureExtractor;
  template <class M, Device X> friend class MaskedFeatures;
  static constexpr int first_patch = Encoder::leading_tokens;

  FeatureExtractor(D& device, const FeatureOptions& options, std::int64_t capacity)
      : FeatureExtractor(device, checked(options), capacity, 0) {}
  FeatureExtractor(D& device, const FeatureOptions& options, std::int64_t capacity, int)
      : Source(std::type_identity<Encoder>(), options, shape_of(options),
               feature_shapes_of(options)),
        device_(device),
        tokens_(shape_.patches() + first_patch),
        masters_(device, Encoder::parameter_count),
        weights_(device, separate_weights ? Encoder::parameter_count : 0),
        batch_(device, this->widths(), options.batch),
        pass_(device, capacity),
        arena_(pass_.arena()) {
    positions_ = pass_.positions(shape_.rows(), shape_.columns(), options_.positions);
    RankEngine<1> whole(with_leading(RankRules<1>{ClassToken::none}, Encoder::leading_tokens),
                        shape_.patches(), options_.batch);
    for (int image = 0; image < options_.batch; ++image) whole.append_whole();
    source_ = pass_.uploaded(whole.tables().source);
    class_rows_ = pass_.uploaded(whole.tables().class_rows);
    segments_ = pass_.uploaded(whole.tables().content.segments);
    limit_ = pass_.uploaded(whole.tables().content.limit);
    extents_ = whole.tables().content.extents;
    std::vector<std::int32_t> reading_order(static_cast<std::size_t>(options_.batch) *
                                            shape_.patches());
    for (std::size_t i = 0; i < reading_order.size(); ++i)
      reading_order[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(shape_.patches()));
    permutation_ = pass_.uploaded(reading_order);
    features_ = arena_.template span<S, Space>(options_.batch * width());
  }

  static ImageShape shape_of(const FeatureOptions& options) {
    return {Grid::channels, options.height, options.width, Grid::patch};
  }
  static std::vector<std::vector<int>> feature_shapes_of(const FeatureOptions& options) {
    const ImageShape shape = shape_of(options);
    std::vector<std::vector<int>> shapes;
    for (const Feature& feature : options.features) {
      switch (feature.readout) {
        case Readout::tokens:
          shapes.push_back({shape.patches() + first_patch, Encoder::dim});
          break;
        case Readout::attention:
          shapes.push_back({Encoder::heads, shape.rows(), shape.columns()});
          break;
        case Readout::class_cosine:
          shapes.push_back({shape.rows(), shape.columns()});
          break;
        case Readout::condition:
          shapes.push_back({Encoder::condition_width});
          break;
        default:
          shapes.push_back({Encoder::dim});
      }
    }
    return shapes;
  }
  static FeatureOptions checked(FeatureOptions options) {
    if (options.batch < 1)
      fail<OptionError>("batch: ", options.batch, " images; it must be at least 1.");
    if (options.height == 0) options.height = Grid::height;
    if (options.width == 0) options.width = Grid::width;
    if (options.height < Grid::patch || options.width < Grid::patch ||
        options.height % Grid::patch != 0 || options.width % Grid::patch != 0)
      fail<OptionError>("image: ", options.height, " x ", options.width,
                        " pixels; both must be multiples of the patch of ", Grid::patch,
                        " pixels.");
    if (options.features.empty())
      fail<OptionError>("features: none is chosen; choose at least one readout.");
    for (Feature& feature : options.features) {
      if (feature.layer == 0) feature.layer = Encoder::depth;
      if (feature.layer < 1 || feature.layer > Encoder::depth)
        fail<OptionError>("layer: ", feature.layer, " is not a layer of this encoder; choose 1 to ",
                          Encoder::depth, ".");
      if (Encoder::condition_width == 0 && feature.readout == Readout::condition)
        fail<OptionError>(
            "pooling: 'condition' needs an encoder with conditions, which this one has not; choose "
            "class, mean or tokens.");
      if (!Encoder::has_class_token && feature.readout != Readout::mean &&
          feature.readout != Readout::tokens && feature.readout != Readout::condition)
        fail<OptionError>(
            "pooling: '", readout_name(feature.readout),
            "' needs a class token, which this encoder lacks; choose mean or tokens.");
      feature.norm = feature.norm && feature.layer == Encoder::depth &&
                     feature.readout != Readout::attention;
    }
    return options;
  }

  void take(const S* parameters) override {
    device_.upload(parameters, masters_.span());
    pass_.load_positions(parameters);
    if (!weights_.empty())
      device_.run(ops::Convert<D>{.masters = masters_.span(), .weights = weights_.span()});
  }
  void pass(const Batch<const S>& on_host, int count, S* features) override {
    const DeviceBatch<D> batch = batch_.upload(on_host, count);
    const ArenaScope scope(arena_);
    Reading<D> at(separate_weights ? reading_weights() : masters_as_weights(), masters_.data());
    const typename Encoder::template Parameters<Reading<D>> encoder(at);
    const typename Encoder::Norm::template Parameters<Reading<D>> norm(at);
    const std::int64_t rows = std::int64_t{count} * tokens_;
    const bool reads_attention = std::any_of(
        options_.features.begin(), options_.features.end(),
        [](const Feature& feature) { return feature.readout == Readout::attention; });
    const Context<D> c = pass_.context();
    const auto moments = take_statistics<2>(c, rows);
    const auto normed = take_tokens<Encoder::dim>(c, rows);
    ReachExtents extents = extents_;
    extents.pairs = extents.pairs / options_.batch * count;
    pass_.walk(encoder,
               {{batch, shape_, {source_.part(0, rows), permutation_}},
                class_rows_.part(0, std::int64_t{count} * Encoder::leading_tokens),
                positions_,
                {segments_.part(0, count), limit_.part(0, rows), extents},
                reads_attention},
               [&](int layer, const auto& tokens, const auto& qkv) {
                 this->each_feature(
                     layer, [&] { Encoder::Norm::forward(c, norm, tokens, normed, moments); },
                     [&](const Feature& feature, std::int64_t column) {
                       read(feature, feature.norm ? normed : tokens, qkv, count,
                            features_.data() + column);
                     });
               });
    device_.download(Span<const S, Space>(features_.part(0, count * width())), features);
  }
  void read(const Feature& feature, ConstTokens<D, Encoder::dim> x,
            ConstTokens<D, 3 * Encoder::dim> qkv, int count, S* out) {
    using A = Activation<D>;
    const std::int64_t dim = Encoder::dim, patches = shape_.patches();
    const auto means = [&](std::int64_t parts, std::int64_t first, std::int64_t of) {
      device_.for_each(count * parts * dim,
                       detail::MeanOfTokensWork<A, S>{x.data(), x.stride(), tokens_, dim, parts,
                                                      first, of, out, width()});
    };
    switch (feature.readout) {
      case Readout::class_token:
        return means(1, 0, 1);
      case Readout::condition:
        return Encoder::Leading::each_numbers(
            batch_.first(count).conditions, count,
            [&](auto numbers, std::int64_t begin, std::int64_t of) {
              device_.for_each(count * of,
                               detail::CopyRowsWork<S>{numbers.data(), of, out + begin, width()});
            });
      case Readout::mean:
        return means(1, first_patch, patches);
      case Readout::tokens:
        return means(tokens_, 0, 1);
      case Readout::attention:
        return device_.for_each(
            std::int64_t{count} * Encoder::heads,
            detail::ClassRowWork<A, S>{
                {qkv.data(), qkv.stride(), tokens_, dim, Encoder::heads}, patches, out, width()});
      case Readout::class_cosine:
        return device_.for_each(
            count * patches,
            detail::CosineWork<A, A, S>{x.data(), tokens_ * x.stride(), x.data(), x.stride(),
                                        tokens_, patches, dim, out, width()});
    }
  }
  const Weight<D>* reading_weights() const { return weights_.data(); }
  const Weight<D>* masters_as_weights() const {
    if constexpr (separate_weights)
      return nullptr;
    else
      return masters_.data();
  }

  using Source::options_, Source::shape_;
  D& device_;
  int tokens_;
  Buffer<D, S> masters_;
  Buffer<D, Weight<D>> weights_;
  DeviceBatchMemory<D, S> batch_;
  EncoderPass<Encoder, D> pass_;
  Arena& arena_;
  Positions<D> positions_;
  Span<const std::int32_t, Space> source_, class_rows_, limit_, permutation_;
  Span<const Segment, Space> segments_;
  ReachExtents extents_;  // of options().batch images
  Span<S, Space> features_;
};

}  // namespace arvit
