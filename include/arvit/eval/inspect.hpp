// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/device/reference.hpp"
#include "arvit/eval/frozen_pretrainer.hpp"
#include "arvit/eval/pretrained.hpp"
#include "arvit/order/mask.hpp"

/// Texts about models, checkpoints and masks.
namespace arvit {

/// Name, shape and size of every parameter. Layers that repeat are listed once, as "blocks.0 .. blocks.11".
inline std::string parameter_table(const ModelDescription& model) {
  std::string result;
  const auto line = [&](const std::string& name, const std::string& shape, std::int64_t size) {
    result += "  " + name + std::string(name.size() < 44 ? 44 - name.size() : 1, ' ') + shape + std::string(shape.size() < 20 ? 20 - shape.size() : 1, ' ') + text(size, "\n");
  };
  const auto layer_of = [](const std::string& name) {  // where the number of a layer is, or npos
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
    layers = static_cast<int>(std::count_if(model.tensors.begin(), model.tensors.end(), [&](const PlacedTensor& other) { return other.name.starts_with(prefix) && other.name.ends_with(rest); }));
    line(text(prefix, "{0..", layers - 1, "}", rest), text(layers, " x ", shape_text(detail::stored_shape(t.tensor))), layers * t.tensor.size());
  }
  return result + text("  together ", model.parameters, ", of which the encoder with its final norm ", model.encoder_parameters, "\n");
}

/// What a safetensors file says of itself: metadata, and how many tensors of which kind.
inline std::string checkpoint_text(const Safetensors& file) {
  std::string result = file.path() + "\n";
  for (const auto& [name, value] : file.metadata()) result += text("  ", name, ": ", value, "\n");
  std::int64_t values = 0, bytes = 0;
  for (const StoredTensor& tensor : file.tensors()) values += tensor.size(), bytes += static_cast<std::int64_t>(tensor.bytes.size());
  return result + text("  ", file.tensors().size(), " tensors, ", values, " numbers, ", bytes, " bytes\n");
}

/// "0,0,2,0,1,1,2" with `condition` zeros before it.
inline std::vector<int> ranks_from(std::string_view list, int condition) {
  if (condition < 0 || condition > 1000) fail<OptionError>("--condition is ", condition, "; it counts tokens, choose 0 to 1000.");
  std::vector<int> ranks(static_cast<std::size_t>(condition));
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    int rank = -1;
    const auto [stop, error] = std::from_chars(list.data() + begin, list.data() + end, rank);
    if (error != std::errc() || stop != list.data() + end || rank < 0)
      fail<OptionError>("--ranks: '", list.substr(begin, end - begin), "' is no rank; give whole numbers from 0, such as 0,0,2,0,1,1,2.");
    ranks.push_back(rank);
    begin = end + 1;
  }
  if (ranks.size() > 1000) fail<OptionError>("--ranks holds ", ranks.size(), " tokens; at most 1000 can be shown.");
  return ranks;
}

namespace detail {
/// Tokens by ascending rank, ties in reading order; the class token (rank 0) first.
inline std::vector<std::int32_t> by_rank(std::vector<std::int32_t> tokens, std::span<const int> ranks) {
  std::stable_sort(tokens.begin(), tokens.end(), [&](std::int32_t a, std::int32_t b) {
    const auto rank = [&](std::int32_t token) { return token == class_token_of_mask ? -1 : ranks[static_cast<std::size_t>(token)]; };
    return rank(a) < rank(b);
  });
  return tokens;
}
}  // namespace detail

/// Content and query mask of tokens with these ranks, in the order given or sorted by rank.
inline std::string ranks_text(std::span<const int> ranks, bool sorted) {
  auto tokens = reading_order(static_cast<int>(ranks.size()), false);
  if (sorted) tokens = detail::by_rank(tokens, ranks);
  const RankMasks masks = masks_of_ranks(ranks);
  return "content reads content (0 reads, - does not)\n" + mask_text(masks.content, tokens) +
         "query reads content (queries of rank 0 carry no loss and are not computed)\n" + mask_text(masks.query, tokens);
}

namespace detail {
template <int Rows, int Columns> using SmallEncoder = ViT<1, 16, 2, Patch<4>, Image<4 * Rows, 4 * Columns>>;
/// A small encoder whose grid the order fits: 3 x 4 or 4 x 4 patches, or else as many as the model has.
template <class O, class Own>
using FittingEncoder = std::conditional_t<order_fits<O, typename SmallEncoder<3, 4>::Grid>(), SmallEncoder<3, 4>,
                                          std::conditional_t<order_fits<O, typename SmallEncoder<4, 4>::Grid>(), SmallEncoder<4, 4>, SmallEncoder<Own::rows, Own::columns>>>;
}  // namespace detail

/// The order of a model, drawn on a grid of 3 x 4 patches or what it fits, and the masks that its decoder makes of it. An order from features looks
/// at random pixels through an untrained encoder.
template <class Model>
std::string model_masks_text(std::uint64_t seed, bool sorted) {
  using Order = std::conditional_t<detail::OrderFromTeacher<typename Model::Order>, Semantic<>, typename Model::Order>;
  using Encoder = detail::FittingEncoder<Order, typename Model::Grid>;
  using Small = Pretrainer<Encoder, Decoder<Parallel<1>>, OrderPolicy<Order>, Target<Pixel>>;
  constexpr int rows = Encoder::Grid::rows, columns = Encoder::Grid::columns, patches = rows * columns;
  Reference<float> device;
  FrozenPretrainer<Small, Reference<float>> drawing(device, 1);
  drawing.load(untrained(placed_tensors(Small::groups()), seed));
  std::vector<float> pixels(Small::Grid::image_width);
  const Counter counter{seed, 0, 0, Purpose::user};
  fill_uniform(pixels, counter);
  const std::vector<int> ranks = drawing.order(pixels.data(), std::span(&counter, 1));
  std::vector<int> ends;
  std::vector<std::int32_t> permutation;
  profile_of_ranks(ranks, ends, permutation);
  const ImageMasks masks = image_masks(Model::Decoder::rules, ends, permutation);
  auto tokens = reading_order(patches, Model::Decoder::rules.class_token != ClassToken::none);
  if (sorted) tokens = detail::by_rank(tokens, ranks);

  std::string result = text("ranks of ", rows, " x ", columns, " patches, seed ", seed, "\n");
  for (int patch = 0; patch < patches; ++patch) {
    const std::string rank = text(ranks[static_cast<std::size_t>(patch)]);
    result += std::string(4 - rank.size(), ' ') + rank + (patch % columns == columns - 1 ? "\n" : "");
  }
  result += text(sorted ? "tokens sorted by rank" : "tokens in reading order", tokens.front() == class_token_of_mask ? ", the class token first" : "",
                 "; 0 reads, - does not, a blank row is not computed\n");
  const auto show = [&](const std::string& title, const Mask& mask) {
    if (!mask.empty()) result += title + "\n" + mask_text(mask, tokens);
  };
  show("content reads content", masks.content);
  for (std::size_t s = 0; s < masks.streams.size() && !Model::Decoder::rules.joint; ++s) {  // a joint decoder has no queries of its own
    const std::string stream = masks.streams.size() > 1 ? text("query of stream ", s + 1) : std::string("query");
    show(stream + " reads content", masks.streams[s].content);
    show(stream + " reads queries", masks.streams[s].queries);
  }
  show("the decoder's sequence reads itself", masks.joint);
  return result;
}

}  // namespace arvit
