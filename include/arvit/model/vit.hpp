// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>
#include <tuple>

#include "arvit/core/grid.hpp"
#include "arvit/core/options.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/nn/code_embedding.hpp"
#include "arvit/nn/condition.hpp"
#include "arvit/nn/encoder_block.hpp"
#include "arvit/nn/patch_embedding.hpp"

namespace arvit {

struct PatchCategory;
struct ImageCategory;
struct ClassTokenCategory;
struct MlpRatioCategory;
struct QkvCategory;
struct EmbeddingCategory;
struct ConditionCategory;
template <int Side> struct Patch {
  using Category = PatchCategory;
  static constexpr int side = Side;
};
template <int Height, int Width = Height> struct Image {
  using Category = ImageCategory;
  static constexpr int height = Height, width = Width;
};
struct NoClassToken {
  using Category = ClassTokenCategory;
};
/// The class token starts at zero (D-iGPT's released code), not as N(0, 0.02^2).
struct ZeroClassToken {
  using Category = ClassTokenCategory;
};
template <int Ratio> struct MlpRatio {
  using Category = MlpRatioCategory;
  static constexpr int ratio = Ratio;
};
/// q, k and v start as three matrices would (SAIM's released encoder). They are stored fused all
/// the same.
struct SeparateQkv {
  using Category = QkvCategory;
};
/// The encoder reads, instead of pixels, the codes that a tokenizer gives the patches:
/// Embedding<Codes<1024>> (GVP d2d, MAGE, iGPT's colours).
template <class Words> struct Embedding {
  using Category = EmbeddingCategory;
  static constexpr int classes = [] {
    if constexpr (requires { Words::classes; })
      return Words::classes;
    else
      return 0;
  }();
  static constexpr bool well_formed = classes > 0 && is_well_formed<Words>;
};

namespace detail {
template <class Kind>
concept ConditionKind = requires {
  { Kind::has_file } -> std::convertible_to<bool>;
};
template <class Kind>
inline constexpr bool is_pooled = [] {
  if constexpr (ConditionKind<Kind>)
    return Kind::has_file;
  else
    return false;
}();
}  // namespace detail

/// Tokens of rank 0 beside the class token, or instead of it with NoClassToken (GVP's y):
/// Conditions<Pooled<Teacher>>, Conditions<Labels<Classes>>, both.
template <class... Kinds> struct Conditions {
  using Category = ConditionCategory;
  static constexpr bool knows_kinds = (detail::ConditionKind<Kinds> && ...),
                        has_few = sizeof...(Kinds) <= 3,
                        has_one_pooled = (0 + ... + detail::is_pooled<Kinds>) <= 1,
                        has_teacher = ((!detail::is_pooled<Kinds> || is_well_formed<Kinds>)&&...),
                        has_classes = ((detail::is_pooled<Kinds> || is_well_formed<Kinds>)&&...);
  static constexpr bool well_formed = knows_kinds && has_few && has_one_pooled && has_teacher &&
                                      has_classes;
  template <int Dim, bool HasClassToken>
  using Tokens = ConditionTokens<Dim, HasClassToken, Kinds...>;
};

namespace detail {
template <class Words, class Grid, int Dim> struct InputOf {
  using type = CodeEmbedding<Grid, Dim, Words::classes>;
};
template <class Grid, int Dim> struct InputOf<void, Grid, Dim> {
  using type = PatchEmbedding<Grid, Dim>;
};
}  // namespace detail

/// Vision transformer (Dosovitskiy et al. 2021), pre-norm, exact GELU, fixed sin-cos positions,
/// LayerNorm epsilon 1e-6.
///
/// Options, in any order: Patch<16>, Image<224, 224>, NoClassToken or ZeroClassToken, MlpRatio<4>,
/// SeparateQkv, Embedding<Codes<N>>, Conditions<Kinds...>. Parameter names are timm's.
template <int Depth, int Dim, int Heads, class... Options> struct ViT {
  using Known = Accepts<PatchCategory, ImageCategory, ClassTokenCategory, MlpRatioCategory,
                        QkvCategory, EmbeddingCategory, ConditionCategory>;
  using PatchTag = Option<PatchCategory, Patch<16>, Options...>;
  using ImageTag = Option<ImageCategory, Image<224>, Options...>;
  using Grid = ImageGrid<ImageTag::height, ImageTag::width, PatchTag::side>;
  using ClassTag = Option<ClassTokenCategory, void, Options...>;
  using Words = Option<EmbeddingCategory, void, Options...>;
  using ConditionTag = Option<ConditionCategory, Conditions<>, Options...>;

  static constexpr bool has_layers = Depth > 0, has_positions = Dim > 0 && Dim % 4 == 0,
                        splits = Heads > 0 && Dim % Heads == 0,
                        knows_options = Known::template known<Options...>,
                        has_each_once = Known::template unrepeated<Options...>,
                        reads_words = is_well_formed<Words>;
  static constexpr bool well_formed = has_layers && has_positions && splits && knows_options &&
                                      has_each_once && reads_words && ConditionTag::well_formed &&
                                      Grid::well_formed;
  static_assert(has_layers, "ViT<Depth, Dim, Heads>: Depth counts layers; it must be positive.");
  static_assert(has_positions,
                "ViT<Depth, Dim, Heads>: sin-cos positions need a Dim that is a multiple of 4.");
  static_assert(
      splits || !has_positions,
      "ViT<Depth, Dim, Heads>: Heads must divide Dim; choose a number of heads that does.");
  static_assert(knows_options,
                "ViT<Depth, Dim, Heads, Options...>: the options are Patch, Image, NoClassToken, "
                "ZeroClassToken, MlpRatio, SeparateQkv, Embedding and Conditions.");
  static_assert(has_each_once,
                "ViT<Depth, Dim, Heads, Options...>: an option is repeated; give each once.");
  static_assert(reads_words,
                "Embedding<Words>: Words is the tokenizer's Codes<N>, such as VQGAN<>.");
  static_assert(ConditionTag::knows_kinds,
                "Conditions<Kinds...>: the kinds are Pooled<Teacher> and Labels<Classes>.");
  static_assert(ConditionTag::has_few, "Conditions<Kinds...>: at most three kinds of condition.");
  static_assert(ConditionTag::has_one_pooled,
                "Conditions<Kinds...>: at most one of the kinds is Pooled.");
  static_assert(ConditionTag::has_teacher,
                "Pooled<Teacher>: Teacher is an encoder, a tower or the tokenizer's Codes<N>.");
  static_assert(
      ConditionTag::has_classes || !ConditionTag::knows_kinds,
      "Labels<Classes>: Classes counts the classes of the pictures; it must be at least 2.");

  static constexpr int depth = Depth, dim = Dim, heads = Heads,
                       mlp_ratio = Option<MlpRatioCategory, MlpRatio<4>, Options...>::ratio;
  static constexpr bool has_class_token = !std::same_as<ClassTag, NoClassToken>;
  static constexpr ImageShape shape{Grid::channels, Grid::height, Grid::width, Grid::patch};

  using Input = typename detail::InputOf<Words, Grid, Dim>::type;
  using Leading = typename ConditionTag::template Tokens<Dim, has_class_token>;
  static constexpr int leading_tokens = Leading::tokens;  ///< class token and conditions
  static constexpr int condition_width = Leading::width;  ///< numbers of an image's conditions
  static constexpr int codes = Input::codes;  ///< that its tokenizer has; 0: it reads pixels
  /// What it reads of a batch of images of such a shape.
  static constexpr BatchWidths batch_widths(const ImageShape& image = shape) {
    return {.pixels = codes > 0 ? 0 : image.size(),
            .codes = codes > 0 ? image.patches() : 0,
            .conditions = condition_width};
  }
  using Block = arvit::Block<Dim, Heads, mlp_ratio, option_count<QkvCategory, Options...> == 1>;
  using Layer = EncoderBlock<Block>;
  using Norm = LayerNorm<Dim>;

  static constexpr Init class_token_start = std::same_as<ClassTag, ZeroClassToken>
                                                ? Init{Init::zeros}
                                                : Init{Init::normal, 0.02};
  static constexpr auto body_groups() {
    return std::tuple(Group{"", join(Leading::tensors(class_token_start), Input::tensors())},
                      Group{"blocks.{}.", Block::tensors(), Depth});
  }
  static constexpr auto norm_group() { return std::tuple(Group{"norm.", Norm::tensors()}); }
  /// The bare encoder with its final norm: what travels to timm and Hugging Face.
  static constexpr auto groups() { return std::tuple_cat(body_groups(), norm_group()); }
  static constexpr std::int64_t body_parameter_count = Leading::parameter_count +
                                                       Input::parameter_count +
                                                       Depth * Block::parameter_count;
  static constexpr std::int64_t parameter_count = body_parameter_count + Norm::parameter_count;

  template <class C> struct Parameters {
    typename Leading::template Parameters<C> leading;
    typename Input::template Parameters<C> embedding;
    C at;
    std::int64_t blocks;
    constexpr explicit Parameters(C& from)
        : leading(from), embedding(from), at(from), blocks(from.offset()) {
      from = from.at(blocks + Depth * Block::parameter_count);
    }
    auto block(int layer) const {  // from 0
      auto from = at.at(blocks + layer * Block::parameter_count);
      return typename Block::template Parameters<C>(from);
    }
  };

  enum class Work : char { none, keys_values, all };
  /// What layer `l` = 1 .. Depth computes, from what a decoder reads at and after it.
  template <class Decoder> static constexpr Work work(int l) {
    for (int p = l; p <= Depth; ++p)
      if (Decoder::reads(p).output || (p > l && Decoder::reads(p).keys_values)) return Work::all;
    return Decoder::reads(l).keys_values ? Work::keys_values : Work::none;
  }

  /// One pass over packed tokens, calling the decoder's run at every point. `Keep` layers'
  /// activations for backward.
  template <class D, class Decoder> class Run {
   public:
    using Space = SpaceOf<D>;
    using Context = StepContext<D, Decoder::rules.streams.size()>;

    Run(Context& context, const Parameters<Reading<D>>& parameters, const DeviceBatch<D>& batch)
        : context_(context), p_(parameters), batch_(batch), rows_(context.tables.source.size()) {
      h_[0] = take_tokens<Dim>(context, rows_);
      for (int l = 1; l <= Depth; ++l) {
        if (work<Decoder>(l) == Work::none) continue;
        if (context.recompute && l > 1)
          saved_[l - 1] = saved_[0];  // a layer that computes more than any other
        else
          saved_[l - 1] = {context, rows_, work<Decoder>(l) == Work::keys_values};
        if (work<Decoder>(l) == Work::all) h_[l] = take_tokens<Dim>(context, rows_);
      }
    }
    template <class DecoderRun> void forward(DecoderRun& decoder) {
      Input::forward(context_, p_.embedding, pictures(), h_[0]);
      Leading::forward(context_, p_.leading, batch_, context_.tables.class_rows, h_[0]);
      decoder.forward(0, LayerIO<D, ViT>{h_[0], {}, nullptr, h_[0]});
      for (int l = 1; l <= Depth; ++l) {
        if (work<Decoder>(l) == Work::none) break;
        const auto weights = p_.block(l - 1);
        if (work<Decoder>(l) == Work::all)
          Layer::forward(context_, weights, input(l), saved_[l - 1], h_[l]);
        else
          Layer::forward_keys_values(context_, weights, h_[l - 1], saved_[l - 1]);
        decoder.forward(l, LayerIO<D, ViT>{h_[l], saved_[l - 1].qkv, &weights});
      }
    }
    template <class DecoderRun, class DecoderGradients>
    void backward(DecoderRun& decoder, const Parameters<Adding<D>>& gradient,
                  const DecoderGradients& decoder_gradient) {
      const ArenaScope scope(context_.arena);
      const auto dh = take_tokens<Dim>(context_, rows_);
      const auto dqkv = take_tokens<3 * Dim>(context_, rows_);
      context_.run(ops::Fill<D>{.y = dh});
      for (int l = Depth; l >= 1; --l) {
        if (work<Decoder>(l) == Work::none) continue;
        const auto weights = p_.block(l - 1);
        const auto dweights = gradient.block(l - 1);
        const bool read = Decoder::reads(l).keys_values;
        if (context_.recompute) {
          if (work<Decoder>(l) == Work::all)
            Layer::again(context_, weights, input(l), saved_[l - 1]);
          else
            Layer::forward_keys_values(context_, weights, h_[l - 1], saved_[l - 1]);
        }
        if (read) context_.run(ops::Fill<D>{.y = dqkv});
        decoder.backward(l, LayerIO<D, ViT>{h_[l], saved_[l - 1].qkv, &weights},
                         LayerGradient<D, ViT>{dh, dqkv, &dweights}, decoder_gradient);
        if (work<Decoder>(l) == Work::all)
          Layer::backward(context_, {weights, dweights}, input(l), saved_[l - 1],
                          {dh, dqkv, read ? Write::add : Write::assign});
        else
          Layer::backward_keys_values(context_, {weights, dweights}, h_[l - 1], saved_[l - 1],
                                      {dh, dqkv});
      }
      decoder.backward(0, LayerIO<D, ViT>{h_[0], {}, nullptr},
                       LayerGradient<D, ViT>{dh, {}, nullptr}, decoder_gradient);
      Leading::backward(context_, batch_, context_.tables.class_rows, dh, gradient.leading);
      Input::backward(context_, pictures(), dh, gradient.embedding);
    }

   private:
    PictureRows<D> pictures() const {
      return {batch_, shape, {context_.tables.source, context_.permutation}, context_.positions};
    }
    typename Layer::template Input<D> input(int l) const {
      return {h_[l - 1], Context::reach(context_.tables.content), scales(l)};
    }
    BranchScales<D> scales(int l) const {
      if (context_.drop_path.empty()) return {};
      const auto row = [&](int r) { return context_.drop_path.part(r * rows_, (r + 1) * rows_); };
      return {row(2 * l - 2), row(2 * l - 1)};
    }

    Context& context_;
    const Parameters<Reading<D>>& p_;
    DeviceBatch<D> batch_;
    std::int64_t rows_;
    std::array<Tokens<D, Dim>, Depth + 1> h_;
    std::array<typename Layer::template Saved<D>, Depth> saved_;
  };

  /// What a forward without a backward reads: images of any shape whose patches have this patch
  /// size, the class rows among the tokens, and what each token sees.
  template <class D> struct Passed {
    PictureRows<D> pictures;
    Span<const std::int32_t, SpaceOf<D>> class_rows;
    Reach<SpaceOf<D>> reach;
    bool reads_qkv = false;
  };
  /// Forward without a backward: the tokens and one layer's memory serve all layers. `each` (layer,
  /// tokens before the norm, qkv of the layer if `reads_qkv`) sees every layer's output; tokens
  /// returned are before the norm.
  template <Device D, class Each>
  static Tokens<D, Dim> infer(const Context<D>& c, const Parameters<Reading<D>>& p,
                              const Passed<D>& in, Each&& each) {
    const std::int64_t rows = in.pictures.from.source.size();
    const auto h = take_tokens<Dim>(c, rows);
    Input::forward(c, p.embedding, in.pictures, h);
    Leading::forward(c, p.leading, in.pictures.batch, in.class_rows, h);
    const typename Layer::template Passing<D> memory(c, rows, in.reads_qkv);
    for (int l = 1; l <= Depth; ++l) {
      Layer::infer(c, p.block(l - 1), h, in.reach, memory);
      each(l, h, in.reads_qkv ? memory.qkv : Tokens<D, 3 * Dim>{});
    }
    return h;
  }
};

}  // namespace arvit
