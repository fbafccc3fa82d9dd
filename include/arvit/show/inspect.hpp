// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/initialise.hpp"
#include "arvit/device/reference.hpp"
#include "arvit/io/safetensors.hpp"
#include "arvit/model/patch_predictor.hpp"
#include "arvit/order/mask.hpp"
#include "arvit/variants/saim.hpp"
#include "arvit/weights/model_description.hpp"

/// Texts about models, checkpoints and masks.
namespace arvit {

/// Name, shape and size of every parameter. Layers that repeat are listed once, as "blocks.0 ..
/// blocks.11".
inline std::string parameter_table(const ModelDescription& model) {
  std::string result;
  const auto line = [&](const std::string& name, const std::string& shape, std::int64_t size) {
    result += "  " + name + std::string(name.size() < 44 ? 44 - name.size() : 1, ' ') + shape +
              std::string(shape.size() < 20 ? 20 - shape.size() : 1, ' ') + text(size, "\n");
  };
  // Where the number of a layer is, or npos.
  const auto layer_of = [](const std::string& name) {
    const auto place = name.find("blocks.");
    return place == std::string::npos ? place : place + 7;
  };
  int layers = 0;
  for (const PlacedTensor& t : model.tensors) {
    const auto place = layer_of(t.name);
    if (place == std::string::npos) {
      line(t.name, shape_text(detail::stored_shape(t.tensor)), t.tensor.size());
      continue;
    }
    const auto dot = t.name.find('.', place);
    if (t.name.substr(place, dot - place) != "0") continue;
    const std::string prefix = t.name.substr(0, place), rest = t.name.substr(dot);
    layers = static_cast<int>(
        std::count_if(model.tensors.begin(), model.tensors.end(), [&](const PlacedTensor& other) {
          return other.name.starts_with(prefix) && other.name.ends_with(rest);
        }));
    line(text(prefix, "{0..", layers - 1, "}", rest),
         text(layers, " x ", shape_text(detail::stored_shape(t.tensor))), layers * t.tensor.size());
  }
  return result + text("  together ", model.parameters,
                       ", of which the encoder with its final norm ", model.encoder_parameters,
                       "\n");
}

/// What a safetensors file says of itself: metadata, and how many tensors of which kind.
inline std::string checkpoint_text(const Safetensors& file) {
  std::string result = file.path() + "\n";
  for (const auto& [name, value] : file.metadata()) result += text("  ", name, ": ", value, "\n");
  std::int64_t values = 0, bytes = 0;
  for (const StoredTensor& tensor : file.tensors()) {
    values += tensor.size();
    bytes += static_cast<std::int64_t>(tensor.bytes.size());
  }
  return result +
         text("  ", file.tensors().size(), " tensors, ", values, " numbers, ", bytes, " bytes\n");
}

/// "0,0,2,0,1,1,2" with `condition` zeros before it.
inline std::vector<int> ranks_from(std::string_view list, int condition) {
  if (condition < 0 || condition > 1000)
    fail<OptionError>(condition, " tokens as a condition; choose 0 to 1000.");
  std::vector<int> ranks(condition);
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    int rank = -1;
    const auto [stop, error] = std::from_chars(list.data() + begin, list.data() + end, rank);
    if (error != std::errc() || stop != list.data() + end || rank < 0)
      fail<OptionError>("ranks: '", list.substr(begin, end - begin),
                        "' is no rank; give whole numbers from 0, such as 0,0,2,0,1,1,2.");
    ranks.push_back(rank);
    begin = end + 1;
  }
  if (ranks.size() > 1000) fail<OptionError>(ranks.size(), " ranks; at most 1000 can be shown.");
  return ranks;
}

namespace detail {
/// The tokens of a mask's rows and columns, in the order of its print, and their ranks.
struct MaskAxis {
  std::vector<std::int32_t> tokens;
  std::vector<int> ranks;
  MaskAxis(std::vector<std::int32_t> of, bool sorted, auto&& rank_of) : tokens(std::move(of)) {
    if (sorted)
      std::stable_sort(tokens.begin(), tokens.end(),
                       [&](std::int32_t a, std::int32_t b) { return rank_of(a) < rank_of(b); });
    for (const std::int32_t token : tokens) ranks.push_back(rank_of(token));
  }
};
/// The rows of mask_text, each with its reader, the reader's rank and, where `remark` has one, a
/// word on it.
inline std::string mask_rows(const Mask& mask, const MaskAxis& axis, auto&& remark) {
  const std::string all = mask_text(mask, axis.tokens);
  const auto aligned = [](const std::string& word) {
    return std::string(word.size() < 5 ? 5 - word.size() : 1, ' ') + word;
  };
  std::string result;
  for (std::size_t i = 0; i < axis.tokens.size(); ++i) {
    const std::int32_t token = axis.tokens[i];
    const std::string word = remark(token);
    result += all.substr(i * (axis.tokens.size() + 1), axis.tokens.size()) +
              aligned(token == class_token_of_mask ? "cls" : text(token)) +
              aligned(text(axis.ranks[i]));
    result += (word.empty() ? "" : "  " + word) + "\n";
  }
  return result;
}
inline bool has_row(const Mask& mask, std::int32_t token) {
  return std::any_of(mask.begin(), mask.end(),
                     [&](const MaskRow& row) { return row.reader == token; });
}
/// How many rows a mask has and how many pairs they allow.
inline std::string mask_size(const Mask& mask) {
  std::size_t pairs = 0;
  for (const MaskRow& row : mask) pairs += row.reads.size();
  return text(mask.size(), " rows, ", pairs, " pairs");
}
constexpr const char* law(Sees sees) {
  return sees == Sees::before ? "lower ranks" : "lower ranks and its own";
}
constexpr const char* mask_legend = "0 reads, - does not; behind each row its token and rank\n";
}  // namespace detail

/// Content and query mask of tokens with these ranks, in the order given or sorted by rank.
inline std::string ranks_text(std::span<const int> ranks, bool sorted) {
  const detail::MaskAxis axis(reading_order(static_cast<int>(ranks.size()), false), sorted,
                              [&](std::int32_t token) { return ranks[token]; });
  const RankMasks masks = masks_of_ranks(ranks);
  const auto remark = [&](std::int32_t token) {
    return std::string(ranks[token] == 0 ? "not computed: rank 0 carries no loss" : "");
  };
  return detail::mask_legend + text("content reads content: ", detail::law(Sees::up_to), "\n") +
         detail::mask_rows(masks.content, axis, [](std::int32_t) { return std::string(); }) +
         text("query reads content: ", detail::law(Sees::before), "\n") +
         detail::mask_rows(masks.query, axis, remark);
}

/// The masks that a decoder's rules make of patches with these ranks. Every row of content is
/// shown; one that nobody reads says that it is not computed.
template <std::size_t Streams>
std::string masks_text(const RankRules<Streams>& rules, std::span<const int> ranks, bool sorted) {
  std::vector<int> ends;
  std::vector<std::int32_t> permutation;
  profile_of_ranks(ranks, ends, permutation);
  const int groups = static_cast<int>(ends.size());
  RankRules<Streams> alive = rules;
  alive.leading = std::min(rules.leading, 1);  // conditions read and are read as the class token is
  RankRules<Streams> all = alive;
  all.keep_dead = true;
  const Mask computed = image_masks(alive, ends, permutation).content;
  const ImageMasks masks = image_masks(all, ends, permutation);
  const bool last = rules.class_token == ClassToken::last;
  auto tokens = reading_order(static_cast<int>(ranks.size()),
                              rules.class_token != ClassToken::none);
  if (last) std::rotate(tokens.begin(), tokens.begin() + 1, tokens.end());
  const int live = detail::live_rank(rules, groups);
  const detail::MaskAxis axis(tokens, sorted, [&](std::int32_t token) {
    return token != class_token_of_mask ? ranks[token] : last ? live : 0;
  });

  std::string result = text(sorted ? "tokens sorted by rank; " : "tokens in reading order; ",
                            detail::mask_legend);
  result += text("content reads content: ", rules.whole_content ? "all" : detail::law(Sees::up_to),
                 "; ", detail::mask_size(computed), "\n");
  result += detail::mask_rows(masks.content, axis, [&](std::int32_t token) {
    return std::string(detail::has_row(computed, token) ? "" : "not computed: nobody reads it");
  });
  const std::size_t streams = rules.joint ? 0 : Streams;  // a joint decoder has no queries
  for (std::size_t s = 0; s < streams; ++s) {
    const QueryStream& rule = rules.streams[s];
    const std::string query = Streams > 1 ? text("query of stream ", s + 1) : std::string("query");
    if (rule.content == Sees::itself)
      result += query + ": none; what is computed of the content is predicted itself\n";
    detail::MaskAxis of_queries = axis;
    for (std::size_t i = 0; i < axis.tokens.size(); ++i)
      if (rule.class_query && axis.tokens[i] == class_token_of_mask)
        of_queries.ranks[i] = detail::query_ranks(rule, groups).last;
    // A stream of every prefix has the queries of a patch several times, one set of queries after
    // the other.
    const auto show = [&](const std::string& title, const Mask& mask) {
      for (std::size_t begin = 0, set = 1; begin < mask.size(); ++set) {
        Mask rows;
        for (; begin < mask.size() && !detail::has_row(rows, mask[begin].reader); ++begin)
          rows.push_back(mask[begin]);
        result += title + (rule.every_prefix ? text(", for prefix ", set) : std::string()) + "; " +
                  detail::mask_size(rows) + "\n";
        result += detail::mask_rows(rows, of_queries, [&](std::int32_t token) {
          return std::string(detail::has_row(rows, token) ? "" : "no query");
        });
      }
    };
    show(query + " reads content: " + (rules.whole_content ? "all" : detail::law(rule.content)),
         masks.streams[s].content);
    show(query + " reads queries: " + detail::law(rule.queries), masks.streams[s].queries);
  }
  if (!masks.joint.empty())
    result += text("the decoder's sequence reads itself: all; ", detail::mask_size(masks.joint),
                   "\n") +
              detail::mask_rows(masks.joint, axis, [](std::int32_t) { return std::string(); });
  return result;
}

namespace detail {
template <int Rows, int Columns>
using SmallEncoder = ViT<1, 16, 2, Patch<4>, Image<4 * Rows, 4 * Columns>>;
/// The first small encoder whose grid the order fits, or else one with as many patches as the model
/// has.
template <class O, class Own, class First, class... Others> constexpr auto fitting_encoder() {
  if constexpr (order_fits<O, typename First::Grid>())
    return First{};
  else if constexpr (sizeof...(Others) > 0)
    return fitting_encoder<O, Own, Others...>();
  else
    return SmallEncoder<Own::rows, Own::columns>{};
}
template <class O, class Own>
using FittingEncoder =
    decltype(fitting_encoder<O, Own, SmallEncoder<3, 4>, SmallEncoder<4, 4>, SmallEncoder<5, 5>,
                             SmallEncoder<4, 7>, SmallEncoder<7, 7>>());
}  // namespace detail

/// The order of a model, drawn on a grid of 3 x 4 patches or the next that it fits, and the masks
/// that its decoder makes of it. An order from features looks at random pixels through an untrained
/// encoder.
template <class Model> std::string model_masks_text(std::uint64_t seed, bool sorted) {
  using Order = std::conditional_t<detail::OrderFromTeacher<typename Model::Order>, Semantic<>,
                                   typename Model::Order>;
  using Encoder = detail::FittingEncoder<Order, typename Model::Grid>;
  using Small = Pretrainer<Encoder, Decoder<Parallel<1>>, OrderPolicy<Order>, Target<Pixel>>;
  constexpr int rows = Encoder::Grid::rows, columns = Encoder::Grid::columns;
  Reference<float> device;
  PatchPredictor<Small, Reference<float>> drawing(device, 1);
  drawing.load(untrained(Small::parameters(), seed));
  std::vector<float> pixels(Small::Grid::image_width);
  const Counter counter{seed, 0, 0, Purpose::user};
  fill_uniform(pixels, counter);
  const std::vector<int> ranks = drawing.order(pixels.data(), std::span(&counter, 1));
  std::string result = text("ranks of ", rows, " x ", columns, " patches, seed ", seed,
                            " (the model's own grid is ", Model::Grid::rows, " x ",
                            Model::Grid::columns, ")\n");
  for (int patch = 0; patch < rows * columns; ++patch) {
    const std::string rank = text(ranks[patch]);
    result += std::string(4 - rank.size(), ' ') + rank +
              (patch % columns == columns - 1 ? "\n" : "");
  }
  if (detail::NeedsOnePatchPerGroup<typename Model::Decoder>)
    result += "the query of a patch is the output of the token before it in the order\n";
  return result + masks_text(Model::rules, ranks, sorted);
}

}  // namespace arvit
