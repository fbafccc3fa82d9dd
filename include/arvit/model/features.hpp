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
#include "arvit/nn/code_embedding.hpp"
#include "arvit/nn/patch_embedding.hpp"
#include "arvit/nn/position_embedding.hpp"
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

namespace detail {

/// out[image, part, c] = mean of tokens first + part * count .. + count of the image; one channel
/// of one part per call.
template <class A, class S> struct MeanOfTokensWork {
  const A* tokens;
  std::int64_t stride, per_image, dim, parts, first, count;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t c = i % dim, part = i / dim % parts, image = i / (dim * parts);
    const A* row = tokens + (image * per_image + first + part * count) * stride + c;
    double sum = 0;
    for (std::int64_t t = 0; t < count; ++t)
      sum += static_cast<double>(static_cast<Accumulator<A>>(row[t * stride]));
    out[image * out_stride + part * dim + c] = static_cast<S>(sum / static_cast<double>(count));
  }
};

/// out[image, head, patch] = softmax over all tokens of the class row's scores; one head of one
/// image per call.
template <class A, class S> struct ClassRowWork {
  const A* qkv;
  std::int64_t stride, tokens, patches, dim, heads;  // tokens: of an image, the patches last
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE double score(std::int64_t image, std::int64_t head, std::int64_t token) const {
    const std::int64_t head_dim = dim / heads, class_row = image * tokens;
    const A *q = qkv + class_row * stride + head * head_dim,
            *k = qkv + (class_row + token) * stride + dim + head * head_dim;
    double dot = 0;
    for (std::int64_t c = 0; c < head_dim; ++c)
      dot += static_cast<double>(static_cast<Accumulator<A>>(q[c])) *
             static_cast<double>(static_cast<Accumulator<A>>(k[c]));
    return dot / std::sqrt(static_cast<double>(head_dim));
  }
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t head = i % heads, image = i / heads;
    S* row = out + image * out_stride + head * patches;
    const std::int64_t first = tokens - patches;
    double top = score(image, head, 0);
    for (std::int64_t t = 1; t < tokens; ++t) {
      const double value = score(image, head, t);
      if (t >= first) row[t - first] = static_cast<S>(value);
      top = value > top ? value : top;
    }
    double sum = 0;
    for (std::int64_t t = 0; t < first; ++t) sum += std::exp(score(image, head, t) - top);
    for (std::int64_t p = 0; p < patches; ++p) sum += std::exp(static_cast<double>(row[p]) - top);
    for (std::int64_t p = 0; p < patches; ++p)
      row[p] = static_cast<S>(std::exp(static_cast<double>(row[p]) - top) / sum);
  }
};

/// out[row] = from[row, width], rows of `out` further apart; one number per call.
template <class S> struct CopyRowsWork {
  const S* from;
  std::int64_t width;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    out[i / width * out_stride + i % width] = from[i];
  }
};

/// out[image, patch] = cosine of class token and patch token; one patch per call.
template <class A, class S> struct ClassCosineWork {
  const A* tokens;
  std::int64_t stride, per_image, patches, dim;
  S* out;
  std::int64_t out_stride;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t image = i / patches, class_row = image * per_image;
    const A *a = tokens + class_row * stride,
            *b = tokens + (class_row + per_image - patches + i % patches) * stride;
    double dot = 0, aa = 0, bb = 0;
    for (std::int64_t c = 0; c < dim; ++c) {
      const auto x = static_cast<double>(static_cast<Accumulator<A>>(a[c])),
                 y = static_cast<double>(static_cast<Accumulator<A>>(b[c]));
      dot += x * y;
      aa += x * x;
      bb += y * y;
    }
    out[image * out_stride + i % patches] = static_cast<S>(dot / std::sqrt(aa * bb + 1e-300));
  }
};

}  // namespace detail

/// What comes with images [count, 3, height, width], normalised as in pre-training: codes [count,
/// patches] in reading order, or conditions, kind after kind [count, width].
template <class T>
using GivenFunction = std::function<void(const T* images, std::int64_t count, T* given)>;

/// A frozen encoder whose type is known only where it is made: images in, one row of features per
/// image out. What reads features is compiled once, not per encoder. `T` is float, or double in
/// tests.
template <class T> class FeatureSource {
 public:
  virtual ~FeatureSource() = default;
  FeatureSource(const FeatureSource&) = delete;
  FeatureSource& operator=(const FeatureSource&) = delete;

  /// Takes the parameters of the encoder with its final norm, in the order of Encoder::groups().
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
    for (std::int64_t first = 0; first < count; first += options_.batch)
      pass(images + first * image_width(),
           static_cast<int>(std::min<std::int64_t>(options_.batch, count - first)),
           features + first * width());
  }
  /// An encoder that reads codes() codes needs a tokenizer, for images of shape(), before it
  /// extracts.
  void tokenizer(GivenFunction<T> tokenizer) { tokenizer_ = std::move(tokenizer); }
  int codes() const { return codes_; }
  /// ... and one with conditions what makes them, condition_width() numbers an image.
  void conditions(GivenFunction<T> conditions) { conditions_ = std::move(conditions); }
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
        feature_shapes_(std::move(feature_shapes)) {
    offsets_.push_back(0);
    for (const std::vector<int>& extents : feature_shapes_) {
      std::int64_t width = 1;
      for (const int extent : extents) width *= extent;
      offsets_.push_back(offsets_.back() + width);
    }
  }
  virtual void take(const T* parameters) = 0;
  /// At most options().batch images, on the host, and their features.
  virtual void pass(const T* images, int count, T* features) = 0;
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
  int codes_, condition_width_;
  GivenFunction<T> tokenizer_, conditions_;

 private:
  std::int64_t parameter_count_;
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

  /// Bytes of activations that a pass needs.
  static std::int64_t activation_bytes(const FeatureOptions& options) {
    using P = PlannerOf<D>;
    P planner = planner_of<D>();
    FeatureExtractor<Encoder, P> extractor(planner, options, 0);
    extractor.pass(nullptr, options.batch, nullptr);
    return extractor.peak_bytes();
  }

  using Source::width;
  int tokens() const { return tokens_; }
  std::int64_t peak_bytes() const { return arena_.peak(); }
  std::int64_t parameter_bytes() const { return masters_.bytes() + weights_.bytes(); }
  std::int64_t activation_bytes() const { return memory_.bytes(); }

 private:
  template <class E, Device X> friend class FeatureExtractor;
  template <class M, Device X> friend class MaskedFeatures;
  static constexpr int first_patch = Encoder::leading_tokens;
  static constexpr bool reads_codes = Encoder::codes > 0;

  FeatureExtractor(D& device, const FeatureOptions& options, std::int64_t capacity)
      : FeatureExtractor(device, checked(options), capacity, 0) {}
  FeatureExtractor(D& device, const FeatureOptions& options, std::int64_t capacity, int)
      : Source(std::type_identity<Encoder>(), options, shape_of(options),
               feature_shapes_of(options)),
        device_(device),
        tokens_(shape_.patches() + first_patch),
        masters_(device, Encoder::parameter_count),
        weights_(device, separate_weights ? Encoder::parameter_count : 0),
        memory_(device, capacity),
        arena_(memory_.data(), capacity) {
    const auto table = resized_positions(
        sincos_positions<S>(Grid::rows, Grid::columns, Encoder::dim), Grid::rows, Grid::columns,
        Encoder::dim, shape_.rows(), shape_.columns(), options_.positions);
    positions_ = {uploaded(table).data(), shape_.patches(), Encoder::dim};
    RankEngine<1> whole(with_leading(RankRules<1>{ClassToken::none}, Encoder::leading_tokens),
                        shape_.patches(), options_.batch);
    for (int image = 0; image < options_.batch; ++image) whole.append_whole();
    source_ = uploaded(whole.tables().source);
    class_rows_ = uploaded(whole.tables().class_rows);
    segments_ = uploaded(whole.tables().content.segments);
    limit_ = uploaded(whole.tables().content.limit);
    extents_ = whole.tables().content.extents;
    std::vector<std::int32_t> reading_order(static_cast<std::size_t>(options_.batch) *
                                            shape_.patches());
    for (std::size_t i = 0; i < reading_order.size(); ++i)
      reading_order[i] = static_cast<std::int32_t>(i % static_cast<std::size_t>(shape_.patches()));
    permutation_ = uploaded(reading_order);
    images_ = arena_.template span<S, Space>(
        options_.batch * (reads_codes ? shape_.patches() : this->image_width()));
    condition_numbers_ = arena_.template span<S, Space>(std::int64_t{options_.batch} *
                                                        Encoder::condition_width);
    host_.resize(static_cast<std::size_t>(options_.batch) *
                 static_cast<std::size_t>(
                     std::max(reads_codes ? shape_.patches() : 0, Encoder::condition_width)));
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
  template <class T> Span<const T, Space> uploaded(const std::vector<T>& values) {
    const auto span = arena_.template span<T, Space>(static_cast<std::int64_t>(values.size()));
    device_.upload(values.data(), span);
    return span;
  }

  void take(const S* parameters) override {
    device_.upload(parameters, masters_.span());
    if (!weights_.empty())
      device_.run(ops::Convert<D>{.masters = masters_.span(), .weights = weights_.span()});
  }
  void pass(const S* images, int count, S* features) override {
    const auto input = images_.part(0,
                                    count * (reads_codes ? shape_.patches() : this->image_width()));
    const auto conditions = condition_numbers_.part(0,
                                                    std::int64_t{count} * Encoder::condition_width);
    const bool measures = images == nullptr;
    if (Encoder::condition_width > 0) {
      if (!measures) {
        conditions_(images, count, host_.data());
        Encoder::Leading::check_labels(host_.data(), count);
      }
      device_.upload(static_cast<const S*>(host_.data()), conditions);
    }
    if (reads_codes && !measures) {
      tokenizer_(images, count, host_.data());
      check_codes(host_.data(), count, shape_.patches(), Encoder::codes);
    }
    device_.upload(reads_codes ? static_cast<const S*>(host_.data()) : images, input);
    const ArenaScope scope(arena_);
    Reading<D> at(separate_weights ? reading_weights() : masters_as_weights(), masters_.data());
    const typename Encoder::template Parameters<Reading<D>> encoder(at);
    const typename Encoder::Norm::template Parameters<Reading<D>> norm(at);
    const std::int64_t rows = std::int64_t{count} * tokens_;
    const bool reads_attention = std::any_of(
        options_.features.begin(), options_.features.end(),
        [](const Feature& feature) { return feature.readout == Readout::attention; });
    const Context<D> c{device_, arena_};
    const auto moments = take_statistics<2>(c, rows);
    const auto normed = take_tokens<Encoder::dim>(c, rows);
    const Pictures<D> pictures = reads_codes ? Pictures<D>{{}, input, conditions}
                                             : Pictures<D>{input, {}, conditions};
    ReachExtents extents = extents_;
    extents.pairs = extents.pairs / options_.batch * count;
    Encoder::infer(c, encoder,
                   {{pictures, shape_, {source_.part(0, rows), permutation_}, positions_},
                    class_rows_.part(0, std::int64_t{count} * Encoder::leading_tokens),
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
            Span<const S, Space>(condition_numbers_), count,
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
            detail::ClassRowWork<A, S>{qkv.data(), qkv.stride(), tokens_, patches, dim,
                                       Encoder::heads, out, width()});
      case Readout::class_cosine:
        return device_.for_each(
            count * patches, detail::ClassCosineWork<A, S>{x.data(), x.stride(), tokens_, patches,
                                                           dim, out, width()});
    }
  }
  const Weight<D>* reading_weights() const { return weights_.data(); }
  const Weight<D>* masters_as_weights() const {
    if constexpr (separate_weights)
      return nullptr;
    else
      return masters_.data();
  }

  using Source::options_, Source::shape_, Source::tokenizer_, Source::conditions_;
  D& device_;
  int tokens_;
  Buffer<D, S> masters_;
  Buffer<D, Weight<D>> weights_;
  Buffer<D, std::byte> memory_;
  Arena arena_;
  Matrix<const S, Space> positions_;
  Span<const std::int32_t, Space> source_, class_rows_, limit_, permutation_;
  Span<const Segment, Space> segments_;
  ReachExtents extents_;              // of options().batch images
  Span<S, Space> images_, features_;  // images: pixels or codes
  Span<S, Space> condition_numbers_;
  std::vector<S> host_;  // codes, or conditions
};

}  // namespace arvit
