// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "arvit/core/error.hpp"

/// Reverse-mode differentiation of dense double matrices, for tests. Every operation is the plain
/// loop of its definition; the dense models of dense.hpp stand on nothing else.
namespace arvit::dense {

struct Matrix {
  int rows = 0, columns = 0;
  std::vector<double> values;  ///< row-major

  Matrix() = default;
  Matrix(int rows, int columns)
      : rows(rows), columns(columns), values(static_cast<std::size_t>(rows) * columns) {}
  double& operator()(int r, int c) { return values[static_cast<std::size_t>(r) * columns + c]; }
  double operator()(int r, int c) const {
    return values[static_cast<std::size_t>(r) * columns + c];
  }
};

/// mask(i, j): reader i may read token j.
struct Mask {
  int readers = 0, read = 0;
  std::vector<char> allowed;

  Mask(int readers, int read, bool value = false)
      : readers(readers), read(read), allowed(static_cast<std::size_t>(readers) * read, value) {}
  char& operator()(int i, int j) { return allowed[static_cast<std::size_t>(i) * read + j]; }
  bool operator()(int i, int j) const {
    return allowed[static_cast<std::size_t>(i) * read + j] != 0;
  }
};

/// A value on the tape.
struct Variable {
  int index = -1;
};

/// Records operations in the order of their execution. Under each forward value `y` stands the step
/// that adds dL/dx for each operand x, given dL/dy.
class Tape {
 public:
  Tape() = default;
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  const Matrix& value(Variable x) const { return nodes_[x.index].value; }
  const Matrix& gradient(Variable x) const { return nodes_[x.index].gradient; }

  /// A parameter, or data that nobody differentiates.
  Variable leaf(Matrix x) {
    return record(std::move(x), [](const Matrix&) {});
  }

  /// a b
  Variable matmul(Variable a, Variable b) {
    const Matrix &x = value(a), &w = value(b);
    require("matmul", x.columns == w.rows, x, w);
    Matrix y(x.rows, w.columns);
    for (int i = 0; i < x.rows; ++i)
      for (int k = 0; k < x.columns; ++k)
        for (int j = 0; j < w.columns; ++j) y(i, j) += x(i, k) * w(k, j);
    return record(std::move(y), [this, a, b](const Matrix& dy) {
      const Matrix &x = value(a), &w = value(b);
      Matrix &dx = add_to(a), &dw = add_to(b);
      for (int i = 0; i < x.rows; ++i)
        for (int k = 0; k < x.columns; ++k)
          for (int j = 0; j < w.columns; ++j) {
            dx(i, k) += dy(i, j) * w(k, j);
            dw(k, j) += x(i, k) * dy(i, j);
          }
    });
  }

  /// a b^T, as scores and linear maps need it
  Variable matmul_transposed(Variable a, Variable b) {
    const Matrix &x = value(a), &w = value(b);
    require("matmul_transposed", x.columns == w.columns, x, w);
    Matrix y(x.rows, w.rows);
    for (int i = 0; i < x.rows; ++i)
      for (int j = 0; j < w.rows; ++j)
        for (int k = 0; k < x.columns; ++k) y(i, j) += x(i, k) * w(j, k);
    return record(std::move(y), [this, a, b](const Matrix& dy) {
      const Matrix &x = value(a), &w = value(b);
      Matrix &dx = add_to(a), &dw = add_to(b);
      for (int i = 0; i < x.rows; ++i)
        for (int j = 0; j < w.rows; ++j)
          for (int k = 0; k < x.columns; ++k) {
            dx(i, k) += dy(i, j) * w(j, k);
            dw(j, k) += dy(i, j) * x(i, k);
          }
    });
  }

  Variable add(Variable a, Variable b) {
    require("add", value(a).rows == value(b).rows && value(a).columns == value(b).columns, value(a),
            value(b));
    Matrix y = value(a);
    for (std::size_t i = 0; i < y.values.size(); ++i) y.values[i] += value(b).values[i];
    return record(std::move(y), [this, a, b](const Matrix& dy) {
      for (const Variable x : {a, b})
        for (std::size_t i = 0; i < dy.values.size(); ++i) add_to(x).values[i] += dy.values[i];
    });
  }

  /// Adds the one row of `row` to every row of a.
  Variable add_row(Variable a, Variable row) {
    require("add_row", value(row).rows == 1 && value(a).columns == value(row).columns, value(a),
            value(row));
    return add(a, gather_rows(row, std::vector<int>(value(a).rows, 0)));
  }

  Variable scale(Variable a, double factor) {
    Matrix y = value(a);
    for (double& v : y.values) v *= factor;
    return record(std::move(y), [this, a, factor](const Matrix& dy) {
      for (std::size_t i = 0; i < dy.values.size(); ++i)
        add_to(a).values[i] += factor * dy.values[i];
    });
  }

  /// (x - mean) / sqrt(variance + epsilon) * gamma + beta over each row, variance divided by the
  /// width.
  Variable layer_norm(Variable a, Variable gamma, Variable beta, double epsilon) {
    const Matrix &x = value(a), &g = value(gamma), &b = value(beta);
    require("layer_norm", g.rows == 1 && g.columns == x.columns, x, g);
    require("layer_norm", b.rows == 1 && b.columns == x.columns, x, b);
    Matrix xhat(x.rows, x.columns), y(x.rows, x.columns);
    std::vector<double> rstd(x.rows);
    for (int r = 0; r < x.rows; ++r) {
      double mean = 0, variance = 0;
      for (int c = 0; c < x.columns; ++c) mean += x(r, c) / x.columns;
      for (int c = 0; c < x.columns; ++c)
        variance += (x(r, c) - mean) * (x(r, c) - mean) / x.columns;
      rstd[r] = 1 / std::sqrt(variance + epsilon);
      for (int c = 0; c < x.columns; ++c) {
        xhat(r, c) = (x(r, c) - mean) * rstd[r];
        y(r, c) = xhat(r, c) * g(0, c) + b(0, c);
      }
    }
    return record(std::move(y), [this, a, gamma, beta, xhat, rstd](const Matrix& dy) {
      for (int r = 0; r < dy.rows; ++r) {
        double mean = 0, projection = 0;  // of dL/dxhat on the constant and on xhat
        for (int c = 0; c < dy.columns; ++c) {
          const double dxhat = dy(r, c) * value(gamma)(0, c);
          mean += dxhat / dy.columns;
          projection += dxhat * xhat(r, c) / dy.columns;
          add_to(gamma)(0, c) += dy(r, c) * xhat(r, c);
          add_to(beta)(0, c) += dy(r, c);
        }
        for (int c = 0; c < dy.columns; ++c)
          add_to(a)(r, c) += rstd[r] *
                             (dy(r, c) * value(gamma)(0, c) - mean - xhat(r, c) * projection);
      }
    });
  }

  /// x Phi(x), Phi the normal distribution function (exact, by erf).
  Variable gelu(Variable a) {
    Matrix y = value(a);
    for (double& v : y.values) v *= normal_cdf(v);
    return record(std::move(y), [this, a](const Matrix& dy) {
      constexpr double inverse_sqrt_two_pi = 0.39894228040143267794;
      for (std::size_t i = 0; i < dy.values.size(); ++i) {
        const double x = value(a).values[i];
        add_to(a).values[i] += dy.values[i] *
                               (normal_cdf(x) + x * inverse_sqrt_two_pi * std::exp(-x * x / 2));
      }
    });
  }

  /// Softmax of each row over the allowed entries, the others zero; a row that may read nothing is
  /// zero.
  Variable masked_softmax(Variable a, const Mask& mask) {
    const Matrix& x = value(a);
    require("masked_softmax", mask.readers == x.rows && mask.read == x.columns, x, x);
    Matrix y(x.rows, x.columns);
    for (int i = 0; i < x.rows; ++i) {
      double largest = -HUGE_VAL, sum = 0;
      for (int j = 0; j < x.columns; ++j)
        if (mask(i, j)) largest = std::max(largest, x(i, j));
      for (int j = 0; j < x.columns; ++j)
        if (mask(i, j)) sum += y(i, j) = std::exp(x(i, j) - largest);
      for (int j = 0; j < x.columns; ++j)
        if (mask(i, j)) y(i, j) /= sum;
    }
    const Variable result{static_cast<int>(nodes_.size())};
    return record(std::move(y), [this, a, result](const Matrix& dy) {
      const Matrix& y = value(result);
      for (int i = 0; i < y.rows; ++i) {
        double mean = 0;
        for (int j = 0; j < y.columns; ++j) mean += y(i, j) * dy(i, j);
        for (int j = 0; j < y.columns; ++j) add_to(a)(i, j) += y(i, j) * (dy(i, j) - mean);
      }
    });
  }

  /// Multi-head attention of q [readers, dim] to k and v [read, dim]; scores are divided by
  /// sqrt(dim / heads).
  Variable attention(Variable q, Variable k, Variable v, const Mask& mask, int heads) {
    const int width = value(q).columns / heads;
    std::vector<Variable> outputs;
    for (int h = 0; h < heads; ++h) {
      const auto head = [&](Variable x) { return slice_columns(x, h * width, width); };
      const Variable scores = scale(matmul_transposed(head(q), head(k)),
                                    1 / std::sqrt(static_cast<double>(width)));
      outputs.push_back(matmul(masked_softmax(scores, mask), head(v)));
    }
    return concat_columns(outputs);
  }

  /// Rows a[rows[0]], a[rows[1]], ...; a row may be taken more than once.
  Variable gather_rows(Variable a, const std::vector<int>& rows) {
    const Matrix& x = value(a);
    Matrix y(static_cast<int>(rows.size()), x.columns);
    for (int r = 0; r < y.rows; ++r)
      for (int c = 0; c < x.columns; ++c) y(r, c) = x(rows[r], c);
    return record(std::move(y), [this, a, rows](const Matrix& dy) {
      for (int r = 0; r < dy.rows; ++r)
        for (int c = 0; c < dy.columns; ++c) add_to(a)(rows[r], c) += dy(r, c);
    });
  }

  /// Columns first, first + stride, ..., `count` of them.
  Variable slice_columns(Variable a, int first, int count, int stride = 1) {
    const Matrix& x = value(a);
    Matrix y(x.rows, count);
    for (int r = 0; r < x.rows; ++r)
      for (int c = 0; c < count; ++c) y(r, c) = x(r, first + c * stride);
    return record(std::move(y), [this, a, first, stride](const Matrix& dy) {
      for (int r = 0; r < dy.rows; ++r)
        for (int c = 0; c < dy.columns; ++c) add_to(a)(r, first + c * stride) += dy(r, c);
    });
  }

  Variable concat_rows(const std::vector<Variable>& parts) {
    Matrix y(0, value(parts.front()).columns);
    for (const Variable part : parts) {
      require("concat_rows", value(part).columns == y.columns, value(part), y);
      y.rows += value(part).rows;
      y.values.insert(y.values.end(), value(part).values.begin(), value(part).values.end());
    }
    return record(std::move(y), [this, parts](const Matrix& dy) {
      std::size_t next = 0;
      for (const Variable part : parts)
        for (double& dx : add_to(part).values) dx += dy.values[next++];
    });
  }

  Variable concat_columns(const std::vector<Variable>& parts) {
    int columns = 0;
    for (const Variable part : parts) columns += value(part).columns;
    Matrix y(value(parts.front()).rows, columns);
    int first = 0;
    for (const Variable part : parts) {
      const Matrix& x = value(part);
      require("concat_columns", x.rows == y.rows, x, y);
      for (int r = 0; r < x.rows; ++r)
        for (int c = 0; c < x.columns; ++c) y(r, first + c) = x(r, c);
      first += x.columns;
    }
    return record(std::move(y), [this, parts](const Matrix& dy) {
      int first = 0;
      for (const Variable part : parts) {
        Matrix& dx = add_to(part);
        for (int r = 0; r < dx.rows; ++r)
          for (int c = 0; c < dx.columns; ++c) dx(r, c) += dy(r, first + c);
        first += dx.columns;
      }
    });
  }

  /// [1, 1]: the sum of (x - target)^2 over all entries, divided by `count`.
  Variable squared_error(Variable a, const Matrix& target, double count) {
    return error(
        a, target, count, [](double d) { return d * d; }, [](double d) { return 2 * d; });
  }

  /// [1, 1]: the sum of |x - target| over all entries, divided by `count`. The derivative at 0 is
  /// 0.
  Variable absolute_error(Variable a, const Matrix& target, double count) {
    return error(
        a, target, count, [](double d) { return std::abs(d); },
        [](double d) { return double(d > 0) - double(d < 0); });
  }

  /// Fills every gradient with dL/dx; `loss` is [1, 1]. Once per tape.
  void backward(Variable loss) {
    require("backward", value(loss).rows == 1 && value(loss).columns == 1, value(loss),
            value(loss));
    nodes_[loss.index].gradient(0, 0) = 1;
    for (int i = loss.index; i >= 0; --i) nodes_[i].pull(nodes_[i].gradient);
  }

 private:
  using Pull = std::function<void(const Matrix& dy)>;
  struct Node {
    Matrix value, gradient;
    Pull pull;
  };

  Variable record(Matrix y, Pull pull) {
    Matrix zeros(y.rows, y.columns);
    nodes_.push_back({std::move(y), std::move(zeros), std::move(pull)});
    return {static_cast<int>(nodes_.size()) - 1};
  }
  Matrix& add_to(Variable x) { return nodes_[x.index].gradient; }

  Variable error(Variable a, const Matrix& target, double count, double (*term)(double),
                 double (*slope)(double)) {
    const Matrix& x = value(a);
    require("error", x.rows == target.rows && x.columns == target.columns, x, target);
    Matrix sum(1, 1);
    for (std::size_t i = 0; i < x.values.size(); ++i)
      sum(0, 0) += term(x.values[i] - target.values[i]) / count;
    return record(std::move(sum), [this, a, target, count, slope](const Matrix& dy) {
      for (std::size_t i = 0; i < target.values.size(); ++i)
        add_to(a).values[i] += dy(0, 0) * slope(value(a).values[i] - target.values[i]) / count;
    });
  }

  static double normal_cdf(double x) { return std::erfc(-x * 0.70710678118654752440) / 2; }
  static void require(const char* operation, bool fits, const Matrix& a, const Matrix& b) {
    if (!fits)
      fail<ShapeError>("Tape::", operation, ": [", a.rows, ", ", a.columns, "] and [", b.rows, ", ",
                       b.columns, "] do not fit each other; correct the model's extents.");
  }

  std::vector<Node> nodes_;
};

}  // namespace arvit::dense
