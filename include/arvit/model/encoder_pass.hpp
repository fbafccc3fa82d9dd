// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arvit/core/arena.hpp"
#include "arvit/core/buffer.hpp"
#include "arvit/model/vit.hpp"
#include "arvit/nn/positions/resize.hpp"
#include "arvit/nn/positions/sincos.hpp"
#include "arvit/order/rank.hpp"

namespace arvit {

/// Passes of an encoder over images, for whoever makes them (pre-training, features, generation):
/// the memory of the activations, what is uploaded with a batch, positions, and the walk through
/// the layers. Memory is taken once, `capacity` bytes; a pass allocates nothing.
template <class Encoder, class D> class EncoderPass {
 public:
  using Space = SpaceOf<D>;
  using S = Statistic<D>;
  using Grid = typename Encoder::Grid;
  using Parameters = typename Encoder::template Parameters<Reading<D>>;

  EncoderPass(D& device, std::int64_t capacity)
      : device_(device), memory_(device, capacity), arena_(memory_.data(), capacity) {}

  Arena& arena() { return arena_; }
  Context<D> context() { return {device_, arena_}; }
  std::int64_t bytes() const { return memory_.bytes(); }

  /// A list on the device, which lives as long as the scope of the arena.
  template <class T> Span<const T, Space> uploaded(const std::vector<T>& values) {
    const auto span = arena_.template span<T, Space>(static_cast<std::int64_t>(values.size()));
    device_.upload(values.data(), span);
    return span;
  }
  template <std::size_t Streams>
  RankTables<DeviceLists<Space>, Streams> uploaded(RankTables<HostLists, Streams>& tables) {
    RankTables<DeviceLists<Space>, Streams> result;
    for_each_list(tables, result, [&]<class T>(std::vector<T>& from, Span<const T, Space>& to) {
      to = uploaded(from);
    });
    return result;
  }

  /// The encoder's positions on its own grid, but for a table that is among its parameters
  /// (Encoder::positions adds it).
  Positions<D> positions() {
    if constexpr (Encoder::PositionPolicy::learned)
      return turned(Grid::rows, Grid::columns);
    else
      return positions(Grid::rows, Grid::columns, PositionResize::bicubic);
  }
  /// ... on any grid, whose table is resized from the encoder's. A learned one is filled by
  /// load_positions().
  Positions<D> positions(int rows, int columns, PositionResize resize) {
    const std::int64_t patches = std::int64_t{rows} * columns;
    Positions<D> result = turned(rows, columns);
    rows_ = rows;
    columns_ = columns;
    resize_ = resize;
    if constexpr (Encoder::PositionPolicy::adds) {
      table_ = arena_.template span<S, Space>(patches * Encoder::dim);
      result.table = {table_.data(), patches, Encoder::dim};
      if (!Encoder::PositionPolicy::learned) fill_table(nullptr);
    }
    return result;
  }
  /// Takes a learned table from parameters on the host, in the order of Encoder::parameters().
  void load_positions(const S* parameters) {
    if constexpr (Encoder::PositionPolicy::learned)
      for (const auto& [name, tensor, offset] : Encoder::parameters())
        if (name == Encoder::PositionPolicy::name) fill_table(parameters + offset);
  }
  /// Fixed sin-cos positions of a decoder `dim` wide.
  Positions<D> sincos(int dim) {
    return {.table = matrix(sincos_positions<S>(Grid::rows, Grid::columns, dim), Grid::patches)};
  }

  /// A forward without a backward: each(layer, tokens before the norm, qkv if `in.reads_qkv`) after
  /// every layer; what it returns are the tokens after the last, before the norm. Memory is that of
  /// the caller's scope.
  template <class Each>
  Tokens<D, Encoder::dim> walk(const Parameters& p, const typename Encoder::template Passed<D>& in,
                               Each&& each) {
    return Encoder::infer(context(), p, in, each);
  }

 private:
  /// Positions of a grid that are not added.
  Positions<D> turned(int rows, int columns) {
    Positions<D> result;
    if constexpr (Encoder::turns)
      result.turns = matrix(rotary_turns<S>(rows, columns, Encoder::dim / Encoder::heads),
                            std::int64_t{rows} * columns);
    return result;
  }
  void fill_table(const S* learned) {
    const std::vector<S> values = resized_positions(
        Encoder::PositionPolicy::template added<S>(learned), Grid::rows, Grid::columns,
        Encoder::dim, rows_, columns_, resize_);
    device_.upload(values.data(), table_);
  }
  Matrix<const S, Space> matrix(const std::vector<S>& values, std::int64_t rows) {
    return {uploaded(values).data(), rows, static_cast<std::int64_t>(values.size()) / rows};
  }

  D& device_;
  Buffer<D, std::byte> memory_;
  Arena arena_;
  Span<S, Space> table_;
  int rows_ = 0, columns_ = 0;
  PositionResize resize_ = PositionResize::bicubic;
};

}  // namespace arvit
