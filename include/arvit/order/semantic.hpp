// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <ratio>

#include "arvit/core/dtype.hpp"
#include "arvit/core/host_device.hpp"
#include "arvit/core/options.hpp"
#include "arvit/nn/readout.hpp"
#include "arvit/order/center_out.hpp"
#include "arvit/order/rank.hpp"

/// SemAIM's orders, computed from the encoder's own features of the whole image (SemAIM, Eqs. 2-6).
namespace arvit {

struct SimilarityCategory;
struct OrderRuleCategory;
struct FilterCategory;
struct NoiseCategory;
struct OrderEncoderCategory;
struct CentersCategory;

/// Cosine of class token and patch (Eq. 2).
struct ClassSimilarity {
  using Category = SimilarityCategory;
};
/// Cosine of the mean patch token and patch (`gap`).
struct MeanSimilarity {
  using Category = SimilarityCategory;
};
/// Head mean of the class row of the last block's attention (`self`).
struct SelfAttention {
  using Category = SimilarityCategory;
};
/// Ascending distance to the most similar patch (Eqs. 3-6).
struct ByDistance {
  using Category = OrderRuleCategory;
};
/// Descending similarity (`attention`).
struct BySimilarity {
  using Category = OrderRuleCategory;
};
/// Random inside nested boxes around the most similar patch (`attention_guided`).
struct ByBoxes {
  using Category = OrderRuleCategory;
};
/// 3 x 3 mean over the neighbours inside the grid.
struct MeanFilter {
  using Category = FilterCategory;
};
/// 3 x 3 sum over 9, zeros outside.
struct ZeroPaddedFilter {
  using Category = FilterCategory;
};
struct NoFilter {
  using Category = FilterCategory;
};
/// lambda of Eq. 5.
template <class Lambda> struct Noise {
  using Category = NoiseCategory;
  using Scale = Lambda;
};
/// Features of the exponential moving average of the encoder.
struct FromAverage {
  using Category = OrderEncoderCategory;
};
/// Features of the target's teacher; no pass of the student (SemAIM's released code).
struct FromTeacher {
  using Category = OrderEncoderCategory;
};
struct FromCurrent {
  using Category = OrderEncoderCategory;
};
/// How many centres distances are measured to: the most similar patch and the K - 1 next among
/// those that no neighbour exceeds, or as many as there are.
template <int K> struct Centers {
  using Category = CentersCategory;
  static constexpr int count = K;
};

/// What an order computed from features gets: the unmasked pass over a batch, class token first,
/// patches in reading order.
template <class A, class Space> struct OrderFeatures {
  Matrix<const A, Space> tokens;  ///< [images * (patches + 1), dim], after the final norm
  Matrix<const A, Space> qkv;     ///< [images * (patches + 1), 3 dim] of the last block
  int heads, rows, columns;
  std::int64_t images;
  Matrix<const float, Space> noise;  ///< [images, patches], uniform on [0, 1)
};

/// ... and an order that needs them fills keys [images, patches] on the device.
template <class O>
concept FeatureOrder = requires {
  { O::needs_features } -> std::convertible_to<bool>;
}
&&O::needs_features;

namespace detail {

/// Head mean of the class row of softmax(q k^T / sqrt(head width)), patches only; one image per
/// call.
template <class A> struct ClassAttentionWork {
  ClassScores<A> score;
  double* similarity;
  ARVIT_HOST_DEVICE void operator()(std::int64_t image) const {
    const std::int64_t patches = score.tokens - 1;
    double* s = similarity + image * patches;
    for (std::int64_t p = 0; p < patches; ++p) s[p] = 0;
    for (std::int64_t h = 0; h < score.heads; ++h) {
      double top = score(image, h, 0), sum = 0;
      for (std::int64_t j = 1; j <= patches; ++j)
        top = top > score(image, h, j) ? top : score(image, h, j);
      for (std::int64_t j = 0; j <= patches; ++j) sum += std::exp(score(image, h, j) - top);
      for (std::int64_t p = 0; p < patches; ++p)
        s[p] += std::exp(score(image, h, p + 1) - top) / sum / static_cast<double>(score.heads);
    }
  }
};

enum class Rule : char { distance, similarity, boxes };
enum class SimilarityFilter : char { none, inside, zero_padded };

/// From similarities to keys; one image per call. Overwrites both of its numbers per patch.
struct SemanticKeysWork {
  double *similarity, *filtered;
  const float* noise;
  float* key;
  int rows, columns;
  Rule rule;
  SimilarityFilter filter;
  bool softmax;  // similarities are cosines (Eq. 2); attention rows are probabilities already
  double lambda;
  int centers;  // of Rule::distance

  ARVIT_HOST_DEVICE double mean(const double* s, int y, int x) const {
    if (filter == SimilarityFilter::none) return s[y * columns + x];
    double sum = 0;
    int inside = 0;
    for (int v = y - 1; v <= y + 1; ++v)
      for (int u = x - 1; u <= x + 1; ++u)
        if (v >= 0 && v < rows && u >= 0 && u < columns) {
          sum += s[v * columns + u];
          ++inside;
        }
    return sum / (filter == SimilarityFilter::inside ? inside : 9);
  }
  /// Whether no neighbour of (y, x) has a larger filtered similarity.
  ARVIT_HOST_DEVICE bool peak(const double* f, int y, int x) const {
    for (int v = y - 1; v <= y + 1; ++v)
      for (int u = x - 1; u <= x + 1; ++u)
        if (v >= 0 && v < rows && u >= 0 && u < columns && f[v * columns + u] > f[y * columns + x])
          return false;
    return true;
  }
  /// The highest peak that comes after the patch `last`, or -1. Peaks are sorted by value, equal
  /// ones in reading order.
  ARVIT_HOST_DEVICE int next_peak(const double* f, int last) const {
    int found = -1;
    for (int i = 0; i < rows * columns; ++i) {
      const bool after = f[i] < f[last] || (f[i] == f[last] && i > last);
      if (after && (found < 0 || f[i] > f[found]) && peak(f, i / columns, i % columns)) found = i;
    }
    return found;
  }
  ARVIT_HOST_DEVICE void operator()(std::int64_t image) const {
    const int patches = rows * columns;
    double *s = similarity + image * patches, *f = filtered + image * patches;
    const float* u = noise + image * patches;
    float* k = key + image * patches;
    if (rule == Rule::similarity) {
      for (int i = 0; i < patches; ++i) k[i] = static_cast<float>(-s[i]);
      return;
    }
    double top = s[0];
    for (int i = 1; i < patches; ++i) top = top > s[i] ? top : s[i];
    if (softmax)  // up to its common factor
      for (int i = 0; i < patches; ++i) s[i] = std::exp(s[i] - top);
    int centre = 0;
    for (int i = 0; i < patches; ++i) {
      f[i] = mean(s, i / columns, i % columns);
      if (f[i] > f[centre]) centre = i;
    }
    if (rule == Rule::boxes) {
      const NestedBoxes vertical(centre / columns, rows), horizontal(centre % columns, columns);
      for (int i = 0; i < patches; ++i)
        k[i] = u[i] -
               static_cast<float>(boxes_holding(vertical, horizontal, i / columns, i % columns));
      return;
    }
    for (int m = 0; m < centers; ++m) {  // k: the squared distance to the nearest of m + 1 centres
      if (m > 0) centre = next_peak(f, centre);
      if (centre < 0) break;
      for (int i = 0; i < patches; ++i) {
        const int dy = centre / columns - i / columns, dx = centre % columns - i % columns;
        const float squared = static_cast<float>(dy * dy + dx * dx);
        if (m == 0 || squared < k[i]) k[i] = squared;
      }
    }
    for (int i = 0; i < patches; ++i)
      k[i] = static_cast<float>(std::sqrt(static_cast<double>(k[i])) +
                                lambda * static_cast<double>(u[i]));
  }
};

}  // namespace detail

/// SemAIM: the patch most similar to the class token comes first, the others by their distance to
/// it (Eqs. 2-6). Ranks 1..N. Options: what similarity is measured with, the rule, the filter,
/// Noise<lambda>, FromAverage or FromTeacher, Centers<K>.
template <class... Options> struct Semantic {
  using Known = Accepts<SimilarityCategory, OrderRuleCategory, FilterCategory, NoiseCategory,
                        OrderEncoderCategory, CentersCategory>;
  using Source = Option<SimilarityCategory, ClassSimilarity, Options...>;
  using RuleTag = Option<OrderRuleCategory, ByDistance, Options...>;
  using FilterTag = Option<FilterCategory, MeanFilter, Options...>;
  using CentersTag = Option<CentersCategory, Centers<1>, Options...>;
  using EncoderTag = Option<OrderEncoderCategory, FromCurrent, Options...>;
  static constexpr bool from_average = std::same_as<EncoderTag, FromAverage>,
                        from_teacher = std::same_as<EncoderTag, FromTeacher>;

  static constexpr bool knows_options = Known::template known<Options...>,
                        has_each_once = Known::template unrepeated<Options...>,
                        has_centers = CentersTag::count > 0,
                        measures = option_count<CentersCategory, Options...> == 0 ||
                                   std::same_as<RuleTag, ByDistance>,
                        has_attention = !from_teacher || !std::same_as<Source, SelfAttention>;
  static constexpr bool well_formed = knows_options && has_each_once && has_centers && measures &&
                                      has_attention;
  static_assert(knows_options,
                "Semantic<Options...>: an option is not one of Semantic's (similarity, rule, "
                "filter, Noise<ratio>, FromAverage, FromTeacher, Centers<K>).");
  static_assert(has_each_once,
                "Semantic<Options...>: two options of one kind; give each kind once.");
  static_assert(has_centers, "Centers<K>: K counts the centres; it must be at least 1.");
  static_assert(measures,
                "Semantic<Options...>: only distances have several centres; use Centers<K> with "
                "ByDistance, or drop it.");
  static_assert(has_attention,
                "Semantic<FromTeacher, SelfAttention>: a teacher gives tokens, not attention; use "
                "ClassSimilarity or MeanSimilarity.");
  using Lambda = typename Option<NoiseCategory, Noise<std::ratio<1, 100>>, Options...>::Scale;
  static constexpr bool fixed_profile = true, needs_features = true;

  template <class Grid> static constexpr int profile(Counter, std::span<int> ends) {
    return one_patch_per_group(Grid::patches, ends);
  }

  /// Bytes of scratch are taken from `arena`; keys [images, patches] is assigned.
  template <class D, class Arena, class A, class Space>
  static void keys(D& device, Arena& arena, const OrderFeatures<A, Space>& f,
                   Matrix<float, Space> key) {
    const std::int64_t patches = std::int64_t{f.rows} * f.columns, width = f.tokens.columns();
    double *similarity = arena.template take<double>(f.images * patches),
           *filtered = arena.template take<double>(f.images * patches);
    constexpr bool attention = std::same_as<Source, SelfAttention>;
    const std::int64_t tokens = patches + 1;
    if constexpr (attention) {
      device.for_each(f.images,
                      detail::ClassAttentionWork<A>{
                          {f.qkv.data(), f.qkv.stride(), tokens, width, f.heads}, similarity});
    } else if constexpr (std::same_as<Source, MeanSimilarity>) {
      double* mean = arena.template take<double>(f.images * width);
      device.for_each(f.images * width, detail::MeanOfTokensWork<A, double>{
                                            f.tokens.data(), f.tokens.stride(), tokens, width, 1, 1,
                                            patches, mean, width});
      device.for_each(f.images * patches, detail::CosineWork<A, double, double>{
                                              mean, width, f.tokens.data(), f.tokens.stride(),
                                              tokens, patches, width, similarity, patches});
    } else {
      device.for_each(f.images * patches,
                      detail::CosineWork<A, A, double>{f.tokens.data(), tokens * f.tokens.stride(),
                                                       f.tokens.data(), f.tokens.stride(), tokens,
                                                       patches, width, similarity, patches});
    }
    constexpr auto rule = std::same_as<RuleTag, ByDistance>     ? detail::Rule::distance
                          : std::same_as<RuleTag, BySimilarity> ? detail::Rule::similarity
                                                                : detail::Rule::boxes;
    constexpr auto filter = std::same_as<FilterTag, NoFilter> ? detail::SimilarityFilter::none
                            : std::same_as<FilterTag, MeanFilter>
                                ? detail::SimilarityFilter::inside
                                : detail::SimilarityFilter::zero_padded;
    device.for_each(
        f.images,
        detail::SemanticKeysWork{
            similarity, filtered, f.noise.data(), key.data(), f.rows, f.columns, rule, filter,
            !attention, static_cast<double>(Lambda::num) / static_cast<double>(Lambda::den),
            CentersTag::count});
  }
};

}  // namespace arvit
