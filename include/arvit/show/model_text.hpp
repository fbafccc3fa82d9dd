// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <type_traits>

#include "arvit/core/error.hpp"
#include "arvit/variants/digpt.hpp"
#include "arvit/variants/gvp.hpp"
#include "arvit/variants/masked.hpp"
#include "arvit/variants/randsac.hpp"
#include "arvit/variants/saim.hpp"
#include "arvit/variants/semaim.hpp"
#include "arvit/variants/vit_igpt.hpp"

/// A model of the library's own parts in words, for reports.
namespace arvit {

/// How a decoder predicts; `it` is the encoder.
template <class Kind>
inline const std::string decoder_text = "a decoder of the user's own predicted";
template <int Depth, class... O>
inline const std::string decoder_text<Parallel<Depth, O...>> =
    text("a decoder of ", Depth, Depth == 1 ? " layer" : " layers",
         " beside it predicted every patch from those before it");
template <>
inline const std::string decoder_text<Causal> =
    "its own output at every patch predicted the next one";
template <class... O>
inline const std::string decoder_text<TwoStream<O...>> =
    "queries, a second stream through its own layers, predicted every group of patches from the "
    "groups before it";
template <int Depth, int Dim, int Heads>
inline const std::string decoder_text<Joint<Depth, Dim, Heads>> =
    text("it saw the visible patches alone, and a decoder of ", Depth, " layers of width ", Dim,
         " predicted the masked ones");
template <>
inline const std::string decoder_text<InPlace> =
    "mask tokens stood for the masked patches among the others, and its own output predicted these";
template <>
inline const std::string decoder_text<Distil> =
    "it saw whole pictures, and its own output predicted every patch";
template <int Depth, int Dim, class... O>
inline const std::string decoder_text<Twin<Depth, Dim, O...>> = [] {
  using Kind = Twin<Depth, Dim, O...>;
  const std::string gen = "every cluster of patches from those before it";
  const std::string dis = "every cluster from those up to and with it";
  const std::string of = text(" of ", Depth, Depth == 1 ? " layer" : " layers");
  if (Kind::has_distil)
    return "a decoder" + of + " predicted " + gen + ", and its own output predicted what it saw";
  if (!Kind::has_dis) return "a decoder" + of + " predicted " + gen;
  if (!Kind::has_gen) return "a decoder" + of + " predicted " + dis;
  return "two decoders" + of + " predicted, one " + gen + ", the other " + dis;
}();

/// In which order, or what is visible.
template <class Kind> inline const std::string order_text = "an order of the user's own";
template <> inline const std::string order_text<Raster> = "reading order";
template <>
inline const std::string order_text<Serpentine> = "row by row, every second one backwards";
template <> inline const std::string order_text<Stochastic> = "random";
template <> inline const std::string order_text<CenterOut> = "from the centre outwards";
template <> inline const std::string order_text<StochasticCenter> = "from a random centre outwards";
template <class... O>
inline const std::string order_text<Semantic<O...>> = [] {
  constexpr bool boxes = (std::is_same_v<O, ByBoxes> || ...);
  constexpr bool similarity = (std::is_same_v<O, BySimilarity> || ...);
  constexpr bool mean = (std::is_same_v<O, MeanSimilarity> || ...);
  constexpr bool attention = (std::is_same_v<O, SelfAttention> || ...);
  constexpr bool teacher = (std::is_same_v<O, FromTeacher> || ...);
  constexpr bool average = (std::is_same_v<O, FromAverage> || ...);
  const std::string to = attention ? "that the class token attends to most"
                         : mean    ? "most similar to the mean of all"
                                   : "most similar to the class token";
  const std::string whose = teacher   ? ", by the teacher's features"
                            : average ? ", by an average of the encoder"
                                      : "";
  return (similarity ? "from the patch " + to + " to the least"
          : boxes    ? "random in boxes that grow around the patch " + to
                     : "growing from the patch " + to) +
         whose;
}();
template <int Outer, int Inner>
inline const std::string order_text<Segments<Outer, Inner>> =
    text("squares of ", Outer, " x ", Outer, " patches in random order",
         Inner == Outer ? std::string(", each predicted at once")
                        : text(", inside them squares of ", Inner, " x ", Inner));
template <class Keep>
inline const std::string order_text<RandomMask<Keep>> =
    text(100 * Keep::num / Keep::den,
         " % of the patches visible, drawn anew for every picture and epoch");
template <class Mean, class D, class Least, class Most>
inline const std::string order_text<VariableMask<Mean, D, Least, Most>> =
    text(100 * Least::num / Least::den, " to ", 100 * Most::num / Most::den,
         " % of the patches masked, drawn anew for every picture and epoch");
template <int K, class S>
inline const std::string order_text<Grouped<Fixed<K>, S>> = text(
    std::is_same_v<S, FixedSequence> ? "reading order" : "random", ", in groups of equal length");
template <int K, class S>
inline const std::string order_text<Grouped<Random<K>, S>> =
    text(std::is_same_v<S, FixedSequence> ? "reading order" : "random", ", in ", K + 1,
         " groups of random length");
template <int K, class S>
inline const std::string order_text<Grouped<Mixed<K>, S>> =
    text(std::is_same_v<S, FixedSequence> ? "reading order" : "random", ", in ", K + 1,
         " groups of random length, the last of about half the patches");
template <int Rows, int Columns>
inline const std::string order_text<Cluster<Rows, Columns>> =
    text("the picture in ", Rows, " x ", Columns, " clusters",
         Rows* Columns > 1 ? " in random order" : "");

/// What of a patch.
template <class Target> inline const std::string target_text = "a target of the user's own";
template <class... O>
inline const std::string target_text<Target<Pixel, O...>> =
    Target<Pixel, O...>::standardise ? "its pixels, standardised in every patch" : "its pixels";
template <int Side, class Sigma, class... O>
inline const std::string target_text<Target<Gaussian<Side, Sigma>, O...>> =
    text("its pixels in a blurred picture",
         Target<Gaussian<Side, Sigma>, O...>::standardise ? ", standardised in every patch" : "");
template <int Classes, class... O>
inline const std::string target_text<Target<Codes<Classes>, O...>> = "its code, one of " +
                                                                     std::to_string(Classes) +
                                                                     " of a codebook";
template <class Teacher, class... O>
inline const std::string target_text<Target<Features<Teacher>, O...>> =
    "a frozen teacher's features of it";

namespace detail {
template <class Model> struct ModelText;
template <class Encoder, class DecoderKind, class OrderKind, class Target>
struct ModelText<Pretrainer<Encoder, Decoder<DecoderKind>, OrderPolicy<OrderKind>, Target>> {
  static std::string sentences() {
    return text("A vision transformer (", Encoder::depth, " layers, width ", Encoder::dim, ", ",
                Encoder::Grid::patches, " patches",
                Encoder::codes > 0 ? text(", read as the codes of a codebook of ", Encoder::codes)
                                   : std::string(),
                Encoder::condition_width > 0 ? ", with a condition before them" : "",
                ") was trained: ", decoder_text<DecoderKind>, ". Order: ", order_text<OrderKind>,
                ". Predicted of a patch: ", target_text<Target>, ".");
  }
};
}  // namespace detail

/// What was trained, how, in which order, and to predict what.
template <class Model> std::string model_text() { return detail::ModelText<Model>::sentences(); }

}  // namespace arvit
