// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/device/ops/operation.hpp"

/// Rows moved, added, scaled and filled.
namespace arvit::ops {

/// y += x.
template <class P, class Space> struct AddOn {
  static constexpr std::string_view name = "add";
  In<P, Space> x;
  Out<P, Space> y;
  void check() const { detail::extents_equal(name, x, y); }
  Cost cost() const { return detail::pass("add", y, detail::bytes(x) + 2 * detail::bytes(y)); }
};

/// y[row] = row_scale[row] * x[row]. y may be x.
template <class P, class Space> struct ScaleRowsOn {
  static constexpr std::string_view name = "scale_rows";
  In<P, Space> x;
  Values<P, Space> row_scale;
  Out<P, Space> y;
  void check() const {
    detail::extents_equal(name, x, y);
    detail::rows_equal(name, x.rows(), row_scale.size());
  }
  Cost cost() const { return detail::pass("scale rows", y, detail::bytes(x) + detail::bytes(y)); }
};

/// y[i] = x[index[i]].
template <class P, class Space> struct GatherRowsOn {
  static constexpr std::string_view name = "gather_rows";
  In<P, Space> x;
  Index<Space> index;
  Out<P, Space> y;
  void check() const {
    detail::rows_equal(name, y.rows(), index.size());
    detail::columns_equal(name, x.columns(), y.columns());
  }
  Cost cost() const { return detail::pass("gather rows", y, 2 * detail::bytes(y)); }
};

/// y[index[i]] += x[i]. The index holds no row twice.
template <class P, class Space> struct ScatterAddRowsOn {
  static constexpr std::string_view name = "scatter_add_rows";
  In<P, Space> x;
  Index<Space> index;
  Out<P, Space> y;
  void check() const {
    detail::rows_equal(name, x.rows(), index.size());
    detail::columns_equal(name, x.columns(), y.columns());
  }
  Cost cost() const { return detail::pass("scatter rows", x, 3 * detail::bytes(x)); }
};

/// y[row] (=, +=) token, for the chosen rows.
template <class P, class Space> struct PutTokenOn {
  static constexpr std::string_view name = "put_token";
  Out<P, Space> y;
  RowSet<Space> rows;
  Values<P, Space> token;
  Write write = Write::assign;
  void check() const { detail::columns_equal(name, y.columns(), token.size()); }
  Cost cost() const { return detail::pass("put token", y, 0); }
};

/// dtoken += the sum of dx[row] over the chosen rows.
template <class P, class Space> struct TokenGradientOn {
  static constexpr std::string_view name = "token_gradient";
  In<P, Space> dx;
  RowSet<Space> rows;
  ValueGradient<P, Space> dtoken;
  void check() const { detail::columns_equal(name, dx.columns(), dtoken.size()); }
  Cost cost() const { return detail::pass("gradient of token", dx, 0); }
};

/// y[index[i]] = 0.
template <class P, class Space> struct ClearRowsOn {
  static constexpr std::string_view name = "clear_rows";
  Out<P, Space> y;
  Index<Space> index;
  void check() const {}
  Cost cost() const { return detail::pass("clear rows", y, 0); }
};

/// y = value, of any type that a device keeps: activations, gradients, sums in double.
template <class T, class Space> struct FillOn {
  static constexpr std::string_view name = "fill";
  Matrix<T, Space> y;
  double value = 0;
  void check() const {}
  Cost cost() const { return detail::pass("fill", y, detail::bytes(y)); }
};

template <class D> using Add = AddOn<typename D::Precision, typename D::Space>;
template <class D> using ScaleRows = ScaleRowsOn<typename D::Precision, typename D::Space>;
template <class D> using GatherRows = GatherRowsOn<typename D::Precision, typename D::Space>;
template <class D>
using ScatterAddRows = ScatterAddRowsOn<typename D::Precision, typename D::Space>;
template <class D> using PutToken = PutTokenOn<typename D::Precision, typename D::Space>;
template <class D> using TokenGradient = TokenGradientOn<typename D::Precision, typename D::Space>;
template <class D> using ClearRows = ClearRowsOn<typename D::Precision, typename D::Space>;
template <class D, class T = typename D::Precision::Activation>
using Fill = FillOn<T, typename D::Space>;

}  // namespace arvit::ops
