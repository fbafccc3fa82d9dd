// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <concepts>
#include <vector>

#include "arvit/core/grid.hpp"
#include "arvit/core/options.hpp"
#include "arvit/decoder/seam.hpp"
#include "arvit/nn/block_stack.hpp"
#include "arvit/nn/code_embedding.hpp"
#include "arvit/nn/condition.hpp"
#include "arvit/nn/encoder_block.hpp"
#include "arvit/nn/patch_embedding.hpp"
#include "arvit/nn/positions/learned.hpp"
#include "arvit/nn/positions/none.hpp"
#include "arvit/nn/positions/positions.hpp"
#include "arvit/nn/positions/sincos.hpp"

namespace arvit {

struct PatchCategory;
struct ImageCategory;
struct ClassTokenCategory;
struct MlpRatioCategory;
struct QkvCategory;
struct EpsilonCategory;
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
/// What the norms of the encoder and its decoder add to a variance: a std::ratio, such as
/// NormEpsilon<std::ratio<1, 100000>>.
template <class Ratio> struct NormEpsilon {
  using Category = EpsilonCategory;
  using type = Ratio;
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

/// Vision transformer (Dosovitskiy et al. 2021), pre-norm, exact GELU.
///
/// Options, in any order: Patch<16>, Image<224, 224>, NoClassToken or ZeroClassToken, MlpRatio<4>,
/// SeparateQkv, NormEpsilon<std::ratio<1, 1000000>>, Embedding<Codes<N>>, Conditions<Kinds...>, and
/// positions (nn/positions/; SinCosPositions where none are given). Parameter names are timm's.
template <int Depth, int Dim, int Heads, class... Options> struct ViT {
  using Known =
      Accepts<PatchCategory, ImageCategory, ClassTokenCategory, MlpRatioCategory, QkvCategory,
              EpsilonCategory, EmbeddingCategory, ConditionCategory, PositionCategory>;
  using PatchTag = Option<PatchCategory, Patch<16>, Options...>;
  using ImageTag = Option<ImageCategory, Image<224>, Options...>;
  using Grid = ImageGrid<ImageTag::height, ImageTag::width, PatchTag::side>;
  using ClassTag = Option<ClassTokenCategory, void, Options...>;
  using Words = Option<EmbeddingCategory, void, Options...>;
  using ConditionTag = Option<ConditionCategory, Conditions<>, Options...>;

  using Epsilon = typename Option<EpsilonCategory, NormEpsilon<DefaultEpsilon>, Options...>::type;
  using PositionTag = Option<PositionCategory, SinCosPositions, Options...>;
  using PositionPolicy = typename PositionTag::template For<Grid, Dim>;

  static constexpr bool turns = PositionPolicy::turns;
  static constexpr bool has_layers = Depth > 0, has_positions = PositionPolicy::well_formed,
                        splits = Heads > 0 && Dim % Heads == 0,
                        has_pairs = !turns || (splits && Dim / Heads % 4 == 0),
                        knows_options = Known::template known<Options...>,
                        has_each_once = Known::template unrepeated<Options...>,
                        reads_words = is_well_formed<Words>;
  static constexpr bool well_formed = has_layers && has_positions && splits && has_pairs &&
                                      knows_options && has_each_once && reads_words &&
                                      ConditionTag::well_formed && Grid::well_formed;
  static_assert(has_layers, "ViT<Depth, Dim, Heads>: Depth counts layers; it must be positive.");
  static constexpr bool has_sincos = std::same_as<PositionTag, SinCosPositions>;
  static_assert(has_positions || !has_sincos,
                "ViT<Depth, Dim, Heads>: sin-cos positions need a Dim that is a multiple of 4.");
  static_assert(has_positions || has_sincos,
                "ViT<Depth, Dim, Heads, Options...>: its positions are not made for such a Dim; "
                "choose others, or another Dim.");
  static_assert(
      has_pairs || !splits,
      "ViT<Depth, Dim, Heads, RotaryPositions>: channels of a head turn in pairs along two "
      "axes; choose Heads so that Dim / Heads is a multiple of 4.");
  static_assert(
      splits || !has_positions,
      "ViT<Depth, Dim, Heads>: Heads must divide Dim; choose a number of heads that does.");
  static_assert(knows_options,
                "ViT<Depth, Dim, Heads, Options...>: the options are Patch, Image, NoClassToken, "
                "ZeroClassToken, MlpRatio, SeparateQkv, NormEpsilon, Embedding, Conditions and "
                "positions (nn/positions/).");
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
  using Block = arvit::Block<Dim, Heads, mlp_ratio, option_count<QkvCategory, Options...> == 1,
                             Epsilon, turns>;
  using Layer = EncoderBlock<Block>;
  using Norm = LayerNorm<Dim, Epsilon>;

  static constexpr Init class_token_start = std::same_as<ClassTag, ZeroClassToken>
                                                ? Init{Init::zeros}
                                                : Init{Init::normal, 0.02};
  /// All but the final norm, which only some decoders train.
  template <class C> struct Parameters {
    typename Leading::template Parameters<C> leading;
    typename Input::template Parameters<C> embedding;
    typename PositionPolicy::template Parameters<C> positions;
    typename Repeated<Block, Depth>::template Parameters<C> blocks;
    constexpr explicit Parameters(C& at)
        : leading(at, class_token_start),
          embedding(at),
          positions(at),
          blocks(at.in("blocks.{}.")) {}
  };
  /// The bare encoder with its final norm: what travels to timm and Hugging Face.
  struct WithNorm {
    template <class C> struct Parameters {
      typename ViT::template Parameters<C> encoder;
      typename Norm::template Parameters<C> norm;
      constexpr explicit Parameters(C& at) : encoder(at), norm(at.in("norm.")) {}
    };
  };
  static constexpr std::int64_t body_parameter_count = count_of<ViT>(),
                                parameter_count = count_of<WithNorm>();
  static const std::vector<PlacedTensor>& parameters() {
    static const std::vector<PlacedTensor> all = tensors_of<WithNorm>();
    return all;
  }

  /// The positions of these parameters, given those that do not depend on them.
  template <class D>
  static Positions<D> positions(Positions<D> fixed, const Parameters<Reading<D>>& p,
                                const Parameters<Adding<D>>* gradient = nullptr) {
    if constexpr (PositionPolicy::learned)
      fixed.table = {p.positions.table.data(), Grid::patches, Dim};
    if constexpr (PositionPolicy::trained)
      if (gradient != nullptr)
        fixed.gradient = {gradient->positions.table.data(), Grid::patches, Dim};
    return fixed;
  }

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
        : context_(context),
          p_(parameters),
          batch_(batch),
          rows_(context.tables.source.size()),
          stack_(
              context, rows_, context.recompute,
              [&](int i) {
                return typename Layer::template Saved<D>(context, rows_, keys_values_only(i));
              },
              layers - (layers > 0 && keys_values_only(layers - 1))) {}
    template <class DecoderRun> void forward(DecoderRun& decoder) {
      embed(context_, p_, pictures(), context_.tables.class_rows, context_.positions,
            stack_.tokens(0));
      decoder.forward(0, LayerIO<D, ViT>{stack_.tokens(0), {}, nullptr, stack_.tokens(0)});
      for (int i = 0; i < layers; ++i) {
        const auto weights = p_.blocks[i];
        stack_.forward(context_, weights, i, input(i));
        decoder.forward(i + 1, io(i, weights));
      }
    }
    template <class DecoderRun, class DecoderGradients>
    void backward(DecoderRun& decoder, const Parameters<Adding<D>>& gradient,
                  const DecoderGradients& decoder_gradient) {
      const ArenaScope scope(context_.arena);
      const auto dh = take_tokens<Dim>(context_, rows_);
      const auto dqkv = take_tokens<3 * Dim>(context_, rows_);
      context_.run(ops::Fill<D>{.y = dh});
      for (int i = layers - 1; i >= 0; --i) {
        const auto weights = p_.blocks[i];
        const auto dweights = gradient.blocks[i];
        const bool read = Decoder::reads(i + 1).keys_values;
        stack_.recall(context_, weights, i, input(i));  // what the decoder reads
        if (read) context_.run(ops::Fill<D>{.y = dqkv});
        decoder.backward(i + 1, io(i, weights), LayerGradient<D, ViT>{dh, dqkv, &dweights},
                         decoder_gradient);
        stack_.backward(context_, {weights, dweights}, i, input(i),
                        {dh, dqkv, read ? Write::add : Write::assign});
      }
      decoder.backward(0, LayerIO<D, ViT>{stack_.tokens(0), {}, nullptr},
                       LayerGradient<D, ViT>{dh, {}, nullptr}, decoder_gradient);
      Leading::backward(context_, batch_, context_.tables.class_rows, dh, gradient.leading);
      context_.positions.backward(context_, dh, pictures().from);
      Input::backward(context_, pictures(), dh, gradient.embedding);
    }

   private:
    /// Layers from the first on that compute anything.
    static constexpr int layers = [] {
      int count = 0;
      while (count < Depth && work<Decoder>(count + 1) != Work::none) ++count;
      return count;
    }();
    static constexpr bool keys_values_only(int i) {
      return work<Decoder>(i + 1) == Work::keys_values;
    }
    LayerIO<D, ViT> io(int i,
                       const typename Block::template Parameters<Reading<D>>& weights) const {
      return {stack_.tokens(i + 1), stack_.saved(i).qkv, &weights};
    }
    PictureRows<D> pictures() const {
      return {batch_, shape, {context_.tables.source, context_.permutation}};
    }
    typename Layer::template Input<D> input(int i) const {
      return {{},
              Context::reach(context_.tables.content),
              context_.turn(),
              scales(i),
              keys_values_only(i)};
    }
    BranchScales<D> scales(int i) const {
      if (context_.drop_path.empty()) return {};
      const auto row = [&](int r) { return context_.drop_path.part(r * rows_, (r + 1) * rows_); };
      return {row(2 * i), row(2 * i + 1)};
    }

    Context& context_;
    const Parameters<Reading<D>>& p_;
    DeviceBatch<D> batch_;
    std::int64_t rows_;
    BlockStack<Layer, layers, D> stack_;
  };

  /// Where layers begin: h = the patches' or codes' embedding, the positions, and the leading
  /// tokens.
  template <Device D>
  static void embed(const Context<D>& c, const Parameters<Reading<D>>& p,
                    const PictureRows<D>& pictures, Span<const std::int32_t, SpaceOf<D>> class_rows,
                    const Positions<D>& positions, Tokens<D, Dim> h) {
    Input::forward(c, p.embedding, pictures, h);
    positions.add(c, h, pictures.from);
    if (!class_rows.empty()) Leading::forward(c, p.leading, pictures.batch, class_rows, h);
  }

  /// What a forward without a backward reads: images of any shape whose patches have this patch
  /// size, the class rows among the tokens, positions, and what each token sees.
  template <class D> struct Passed {
    PictureRows<D> pictures;
    Span<const std::int32_t, SpaceOf<D>> class_rows;
    Positions<D> positions;
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
    embed(c, p, in.pictures, in.class_rows, in.positions, h);
    const typename Layer::template Passing<D> memory(c, rows, in.reads_qkv);
    const typename Layer::template Input<D> input{h, in.reach, in.positions.turn(in.pictures.from)};
    for (int l = 1; l <= Depth; ++l) {
      Layer::infer(c, p.blocks[l - 1], input, h, memory);
      each(l, h, in.reads_qkv ? memory.qkv : Tokens<D, 3 * Dim>{});
    }
    return h;
  }
};

}  // namespace arvit
