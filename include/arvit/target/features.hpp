// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <concepts>

#include "arvit/core/dtype.hpp"
#include "arvit/core/grid.hpp"
#include "arvit/core/host_device.hpp"
#include "arvit/core/options.hpp"
#include "arvit/target/errors/cosine.hpp"
#include "arvit/target/input.hpp"

namespace arvit {

struct ResizeCategory;
/// D-iGPT's released code: where the teacher has another grid, the prediction of each cluster of
/// Rows x Columns patches is resized to the teacher's cells, bilinearly, and compared there. By
/// default the teacher's grid is resized to the model's.
template <int Rows, int Columns> struct ResizePrediction {
  using Category = ResizeCategory;
  static constexpr int rows = Rows, columns = Columns;
};

namespace detail {
template <class Teacher>
concept GivesFeatures = is_well_formed<Teacher> && requires {
  { Teacher::Grid::patches } -> std::convertible_to<int>;
  { Teacher::dim } -> std::convertible_to<int>;
  { Teacher::has_class_token } -> std::convertible_to<bool>;
};

/// Bilinear interpolation along one side, of `from` places to `to`, corners not aligned: place i
/// reads low and low + 1.
struct Between {
  int low;
  double share;  ///< of low + 1
  ARVIT_HOST_DEVICE Between(int i, int from, int to) : low(0), share(0) {
    const double at = (i + 0.5) * from / to - 0.5;
    low = at <= 0 ? 0 : static_cast<int>(at);
    share = at <= 0 ? 0 : at - low;
    if (low >= from - 1) {
      low = from - 1;
      share = 0;
    }
  }
  /// The weight of place j.
  ARVIT_HOST_DEVICE double of(int j) const {
    return j == low ? 1 - share : j == low + 1 ? share : 0;
  }
};

/// target[row] = the teacher's token of the row's place, the teacher's grid resized to the model's;
/// one number per call.
template <class S> struct RowTokensWork {
  const S* tokens;  // [images, tokens, width]
  const std::int32_t *source, *permutation;
  int rows, columns, teacher_rows, teacher_columns;
  std::int64_t width;
  bool has_class;
  S none;  ///< of a class row, where no class token comes
  S* target;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const std::int64_t row = source[i / width], c = i % width,
                       per_image = std::int64_t{teacher_rows} * teacher_columns + has_class,
                       patches = std::int64_t{rows} * columns;
    if (row < 0) {
      target[i] = has_class ? tokens[(-1 - row) * per_image * width + c] : none;
      return;
    }
    const S* const image = tokens + (row / patches * per_image + has_class) * width + c;
    const std::int64_t patch = permutation[row];
    const Between y(static_cast<int>(patch / columns), teacher_rows, rows),
        x(static_cast<int>(patch % columns), teacher_columns, columns);
    const auto at = [&](int v, int u) {
      return static_cast<double>(image[(std::int64_t{v} * teacher_columns + u) * width]);
    };
    const auto line = [&](int v) {
      return x.share == 0 ? at(v, x.low)
                          : (1 - x.share) * at(v, x.low) + x.share * at(v, x.low + 1);
    };
    target[i] = static_cast<S>(
        y.share == 0 ? line(y.low) : (1 - y.share) * line(y.low) + y.share * line(y.low + 1));
  }
};

/// A number among tokens [images, per_image, width]: its image, the token in it, and the channel.
struct TokenPlace {
  std::int64_t image, token, channel;
  ARVIT_HOST_DEVICE TokenPlace(std::int64_t i, std::int64_t per_image, std::int64_t width)
      : image(i / width / per_image), token(i / width % per_image), channel(i % width) {}
};

/// Where rows of a stream lie whose images have `clusters` clusters of rows x columns patches, and
/// a class row if has_class; and where their cells do.
struct ClusterCells {
  int rows, columns, cell_rows, cell_columns;
  std::int64_t clusters;
  bool has_class;
  ARVIT_HOST_DEVICE std::int64_t patches() const { return std::int64_t{rows} * columns; }
  ARVIT_HOST_DEVICE std::int64_t cells() const { return std::int64_t{cell_rows} * cell_columns; }
  /// Rows of an image, and its resized rows.
  ARVIT_HOST_DEVICE std::int64_t of_rows() const { return clusters * patches() + has_class; }
  ARVIT_HOST_DEVICE std::int64_t of_cells() const { return clusters * cells() + has_class; }
};
/// Forward: cells from patches. out[image, cluster, cell] = bilinear of the cluster's rows; one
/// number per call.
template <class A> struct ResizeClustersWork {
  ClusterCells shape;
  const A* from;
  std::int64_t width;
  A* to;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const TokenPlace at(i, shape.of_cells(), width);
    const A* const rows = from + at.image * shape.of_rows() * width + at.channel;
    if (at.token == shape.clusters * shape.cells()) {
      to[i] = rows[(shape.of_rows() - 1) * width];
      return;
    }
    const int cell = static_cast<int>(at.token % shape.cells());
    const Between y(cell / shape.cell_columns, shape.rows, shape.cell_rows),
        x(cell % shape.cell_columns, shape.columns, shape.cell_columns);
    double sum = 0;
    for (int v = y.low; v < shape.rows && v <= y.low + 1; ++v)
      for (int u = x.low; u < shape.columns && u <= x.low + 1; ++u)
        sum += y.of(v) * x.of(u) *
               static_cast<double>(static_cast<Accumulator<A>>(
                   rows[(at.token / shape.cells() * shape.patches() + v * shape.columns + u) *
                        width]));
    to[i] = static_cast<A>(static_cast<Accumulator<A>>(sum));
  }
};
/// Backward: gradients of patches from those of the cells that read them; one number per call.
template <class A> struct ResizeClustersBackwardWork {
  ClusterCells shape;
  const A* dto;
  std::int64_t width;
  A* dfrom;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const TokenPlace at(i, shape.of_rows(), width);
    const A* const cells = dto + at.image * shape.of_cells() * width + at.channel;
    if (at.token == shape.clusters * shape.patches()) {
      dfrom[i] = cells[(shape.of_cells() - 1) * width];
      return;
    }
    const int patch = static_cast<int>(at.token % shape.patches()), v = patch / shape.columns,
              u = patch % shape.columns;
    double sum = 0;
    for (int cy = 0; cy < shape.cell_rows; ++cy) {
      const double weight = Between(cy, shape.rows, shape.cell_rows).of(v);
      if (weight == 0) continue;
      for (int cx = 0; cx < shape.cell_columns; ++cx)
        sum +=
            weight * Between(cx, shape.columns, shape.cell_columns).of(u) *
            static_cast<double>(static_cast<Accumulator<A>>(
                cells[(at.token / shape.patches() * shape.cells() + cy * shape.cell_columns + cx) *
                      width]));
    }
    dfrom[i] = static_cast<A>(static_cast<Accumulator<A>>(sum));
  }
};
/// The teacher's cell of each resized row; `source` names the unresized rows.
template <class S> struct CellTokensWork {
  ClusterCells shape;
  const S* tokens;  // [images, tokens, width]
  const std::int32_t *source, *permutation;
  int grid_rows, grid_columns, teacher_rows, teacher_columns;
  std::int64_t width;
  S* target;
  ARVIT_HOST_DEVICE void operator()(std::int64_t i) const {
    const TokenPlace at(i, shape.of_cells(), width);
    const S* const of_image = tokens +
                              at.image * (std::int64_t{teacher_rows} * teacher_columns + 1) *
                                  width +
                              at.channel;
    if (at.token == shape.clusters * shape.cells()) {
      target[i] = of_image[0];
      return;
    }
    const std::int64_t row = at.image * shape.of_rows() +
                             at.token / shape.cells() * shape.patches();
    const std::int64_t first = permutation[source[row]];  // the cluster's upper left patch
    const std::int64_t cell = at.token % shape.cells();
    const std::int64_t y = first / grid_columns * teacher_rows / grid_rows +
                           cell / shape.cell_columns;
    const std::int64_t x = first % grid_columns * teacher_columns / grid_columns +
                           cell % shape.cell_columns;
    target[i] = of_image[(1 + y * teacher_columns + x) * width];
  }
};
}  // namespace detail

/// Tokens of a frozen teacher for the same crop, after its final norm and projection: of a ViT of
/// ours, or of a tower below. A class query predicts the teacher's class token. The trainer gets
/// the features of a micro-batch [images, tokens, width], class token first, then the teacher's
/// grid in reading order, from whoever made them: the teacher beside it, or a file.
template <class Teacher_> struct Features {
  using Teacher = Teacher_;
  static constexpr bool well_formed = detail::GivesFeatures<Teacher>;
  static_assert(well_formed,
                "Features<Teacher>: Teacher is an encoder or a tower, with Grid, dim and "
                "has_class_token (such as OpenClipH14, target/features.hpp).");
  using DefaultError = Cosine;
  static constexpr bool has_class = Teacher::has_class_token;
  template <class Grid> static constexpr int tokens = Teacher::Grid::patches + has_class;
  template <class Grid> static constexpr int width = Teacher::dim;
  template <class Grid> static constexpr int token_width = Teacher::dim;

  template <class Grid, Device D>
  static void values(const Context<D>& c, const TargetInput<D>& in,
                     Rows<Statistic<D>, width<Grid>, SpaceOf<D>> target) {
    const PatchRows<SpaceOf<D>>& from = in.from;
    c.device.for_each(target.rows() * width<Grid>,
                      detail::RowTokensWork<Statistic<D>>{
                          in.batch.tokens.data(), from.source.data(), from.permutation.data(),
                          Grid::rows, Grid::columns, Teacher::Grid::rows, Teacher::Grid::columns,
                          width<Grid>, has_class, 0, target.data()});
  }
};

/// A kind of target whose numbers come with the images.
template <class Kind, class Grid>
concept TargetOfTokens = requires {
  { Kind::template tokens<Grid> } -> std::convertible_to<int>;
};

/// Image towers whose features the papers predict, as they are at 224 pixels: width after the
/// projection, grid of patches, class token, and the colours that they were trained on. Their
/// features come from a file.
template <int Patch, int Width, bool ClipColours> struct Tower {
  using Grid = ImageGrid<224, 224, Patch>;
  static constexpr int dim = Width;
  static constexpr bool has_class_token = true;
  static constexpr std::array<float, 3> pixel_mean = ClipColours
                                                         ? std::array{0.48145466f, 0.4578275f,
                                                                      0.40821073f}
                                                         : std::array{0.485f, 0.456f, 0.406f};
  static constexpr std::array<float, 3> pixel_deviation = ClipColours
                                                              ? std::array{0.26862954f, 0.26130258f,
                                                                           0.27577711f}
                                                              : std::array{0.229f, 0.224f, 0.225f};
};
struct OpenClipH14 : Tower<14, 1024, true> {};  // D-iGPT's default
struct OpenClipL14 : Tower<14, 768, true> {};
struct ClipL14 : Tower<14, 768, true> {};
struct ClipB16 : Tower<16, 512, true> {};    // SemAIM's
struct DinoB16 : Tower<16, 768, false> {};   // SemAIM's
struct DinoL14 : Tower<14, 1024, false> {};  // DINOv2's ViT-L, the likely one of D-iGPT's Table 6
template <class Tower = OpenClipH14> using CLIP = Features<Tower>;
template <class Tower = DinoB16> using DINO = Features<Tower>;

}  // namespace arvit
