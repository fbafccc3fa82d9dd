// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/error.hpp"
#include "arvit/show/html.hpp"

/// Charts as SVG: text that a browser draws, sharp at any size. Text and grid take the colour of
/// what surrounds the chart.
namespace arvit {

/// Points (x[i], y[i]), joined in their order; a value that is not finite interrupts the line.
struct Series {
  std::string name;
  std::vector<double> x, y;
};
struct LineChart {
  std::string title, x_label, y_label;
  std::vector<Series> series;
};

/// One horizontal bar per entry, from zero, with its value beside it in `decimals` decimals.
struct BarChart {
  struct Bar {
    std::string name;
    double value;
  };
  std::string title, unit;
  std::vector<Bar> bars;
  int decimals = 1;
};

namespace detail {

/// Told apart with any colour vision, on white and on black (Okabe and Ito 2008).
inline constexpr std::array<std::string_view, 7> chart_colours{
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888"};
constexpr std::string_view chart_colour(std::size_t i) {
  return chart_colours[i % chart_colours.size()];
}

/// Round numbers at equal distance: first, first + step, ..
struct Ticks {
  double first = 0, step = 1;
  int count = 0;
  double at(int i) const { return first + i * step; }
  /// Both differ from zero by rounding only, or neither does.
  std::string label(int i) const {
    const double value = std::abs(at(i)) < step / 2 ? 0 : at(i);
    if (step >= 1e6 || step < 1e-4) {
      std::array<char, 32> digits;
      const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                     std::chars_format::general, 6)
                           .ptr;
      return {digits.data(), end};
    }
    return fixed(value, std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9))));
  }
};

/// At most `most` ticks inside [low, high], low < high, at 1, 2 or 5 times a power of ten.
inline Ticks ticks(double low, double high, int most) {
  const double rough = (high - low) / most, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  const double first = std::ceil(low / step - 1e-9) * step;
  return {first, step, static_cast<int>(std::floor((high - first) / step + 1e-9)) + 1};
}

/// A closed range that holds finite values and has a width.
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  bool empty() const { return low > high; }
  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  void widen() {
    // A range too narrow for doubles to divide counts as a point.
    const double size = std::max(std::abs(low), std::abs(high));
    if (high - low > 1e-9 * size && high != low) return;
    const double more = size > 0 ? 0.1 * size : 1;
    low -= more;
    high += more;
  }
  double part(double value) const { return (value - low) / (high - low); }
};

/// Indices of the points to draw: all, or of many the lowest and the highest of each short stretch,
/// and all interruptions.
inline std::vector<std::size_t> drawn_points(const Series& series) {
  const std::size_t count = std::min(series.x.size(), series.y.size());
  const std::size_t stretch = count <= 1600 ? 1 : (count + 799) / 800;
  std::vector<std::size_t> drawn;
  for (std::size_t begin = 0; begin < count; begin += stretch) {
    const std::size_t end = std::min(count, begin + stretch);
    std::array<std::size_t, 3> chosen{end, end, end};  // lowest, highest, an interruption
    auto& [low, high, interruption] = chosen;
    for (std::size_t i = begin; i < end; ++i) {
      if (!std::isfinite(series.x[i]) || !std::isfinite(series.y[i])) {
        interruption = i;
        continue;
      }
      if (low == end || series.y[i] < series.y[low]) low = i;
      if (high == end || series.y[i] > series.y[high]) high = i;
    }
    std::sort(chosen.begin(), chosen.end());
    for (const std::size_t i : chosen)
      if (i != end && (drawn.empty() || drawn.back() != i)) drawn.push_back(i);
  }
  return drawn;
}

/// Characters, of which one is about 6.6 units wide at the size used here.
inline double text_width(std::string_view text) {
  return 6.6 * static_cast<double>(std::count_if(text.begin(), text.end(),
                                                 [](char c) { return (c & 0xC0) != 0x80; }));
}

inline std::string svg_text(double x, double y, std::string_view anchor, std::string_view content,
                            std::string_view more = "") {
  return text("<text x=\"", fixed(x, 1), "\" y=\"", fixed(y, 1), "\" text-anchor=\"", anchor, "\" ",
              more, ">", escaped(content), "</text>\n");
}
inline std::string svg_line(double x1, double y1, double x2, double y2, std::string_view opacity) {
  return text("<line x1=\"", fixed(x1, 1), "\" y1=\"", fixed(y1, 1), "\" x2=\"", fixed(x2, 1),
              "\" y2=\"", fixed(y2, 1), "\" stroke=\"currentColor\" stroke-opacity=\"", opacity,
              "\"/>\n");
}
inline std::string svg_open(double width, double height, std::string_view title) {
  return text("<svg viewBox=\"0 0 ", fixed(width, 0), " ", fixed(height, 0),
              "\" role=\"img\" aria-label=\"", escaped(title),
              "\" xmlns=\"http://www.w3.org/2000/svg\" font-family=\"system-ui, sans-serif\" "
              "font-size=\"12\" "
              "fill=\"currentColor\">\n") +
         svg_text(0, 15, "start", title, "font-size=\"15\" font-weight=\"600\"");
}

/// From numbers to places in a chart.
struct Plot {
  Range xs, ys;
  double left, right, top, bottom;
  double x(double value) const { return left + xs.part(value) * (right - left); }
  double y(double value) const { return bottom - ys.part(value) * (bottom - top); }
};

/// Strokes and names in rows that begin at `left`; `top` moves to what comes below them. One series
/// needs none.
inline std::string svg_legend(const LineChart& chart, double left, double width, double& top) {
  std::string result;
  if (chart.series.size() < 2) return result;
  double x = left;
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const double entry = 40 + text_width(chart.series[i].name);
    if (x + entry > width && x > left) {
      x = left;
      top += 18;
    }
    result += text("<line x1=\"", fixed(x, 1), "\" y1=\"", fixed(top + 4, 1), "\" x2=\"",
                   fixed(x + 18, 1), "\" y2=\"", fixed(top + 4, 1), "\" stroke=\"", chart_colour(i),
                   "\" stroke-width=\"3\"/>\n");
    result += svg_text(x + 24, top + 8, "start", chart.series[i].name);
    x += entry;
  }
  top += 22;
  return result;
}

/// The line through the points, and dots where these would not be seen.
inline std::string svg_series(const Series& series, const Plot& plot, std::string_view colour) {
  const std::vector<std::size_t> drawn = drawn_points(series);
  const auto finite = [&](std::size_t k) {
    return std::isfinite(series.x[drawn[k]]) && std::isfinite(series.y[drawn[k]]);
  };
  std::string path, dots;
  bool joined = false;
  for (std::size_t k = 0; k < drawn.size(); ++k) {
    if (!finite(k)) {
      joined = false;
      continue;
    }
    const std::string x = fixed(plot.x(series.x[drawn[k]]), 1);
    const std::string y = fixed(plot.y(series.y[drawn[k]]), 1);
    path += text(joined ? "L" : "M", x, " ", y);
    // A point without neighbours would leave no ink, and of few points each is worth seeing.
    const bool alone = !joined && (k + 1 == drawn.size() || !finite(k + 1));
    if (drawn.size() <= 24 || alone)
      dots += text("<circle cx=\"", x, "\" cy=\"", y, "\" r=\"3\" fill=\"", colour, "\"/>\n");
    joined = true;
  }
  return text("<path d=\"", path, "\" fill=\"none\" stroke=\"", colour,
              "\" stroke-width=\"1.8\" stroke-linejoin=\"round\"/>\n", dots);
}

}  // namespace detail

/// The chart with axes, round ticks and, for more than one series, a legend.
inline std::string svg(const LineChart& chart) {
  using namespace detail;
  constexpr double width = 760, plot_height = 300, margin = 14;
  Range xs, ys;
  for (const Series& series : chart.series)
    for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i)
      if (std::isfinite(series.x[i]) && std::isfinite(series.y[i])) {
        xs.include(series.x[i]);
        ys.include(series.y[i]);
      }
  if (xs.empty())
    return svg_open(width, 60, chart.title) + svg_text(0, 45, "start", "no finite value to draw") +
           "</svg>\n";
  xs.widen();
  ys.widen();
  // The y axis begins and ends at a tick.
  Ticks y_ticks = ticks(ys.low, ys.high, 6);
  ys.include(std::floor(ys.low / y_ticks.step + 1e-9) * y_ticks.step);
  ys.include(std::ceil(ys.high / y_ticks.step - 1e-9) * y_ticks.step);
  y_ticks = {ys.low, y_ticks.step,
             static_cast<int>(std::lround((ys.high - ys.low) / y_ticks.step)) + 1};
  const Ticks x_ticks = ticks(xs.low, xs.high, 8);

  double label_room = 0;
  for (int i = 0; i < y_ticks.count; ++i)
    label_room = std::max(label_room, text_width(y_ticks.label(i)));
  const double left = label_room + (chart.y_label.empty() ? 10 : 28), right = width - margin;
  double top = 30;
  const std::string legend = svg_legend(chart, left, width, top);
  const Plot plot{xs, ys, left, right, top, top + plot_height};
  const double height = plot.bottom + (chart.x_label.empty() ? 26 : 44);

  std::string result = svg_open(width, height, chart.title) + legend;
  for (int i = 0; i < y_ticks.count; ++i) {
    const double y = plot.y(y_ticks.at(i));
    result += svg_line(left, y, right, y, i == 0 ? ".6" : ".13") +
              svg_text(left - 6, y + 4, "end", y_ticks.label(i));
  }
  for (int i = 0; i < x_ticks.count; ++i) {
    const double x = plot.x(x_ticks.at(i));
    result += svg_line(x, plot.bottom, x, plot.bottom + 4, ".6") +
              svg_text(x, plot.bottom + 18, "middle", x_ticks.label(i));
  }
  if (!chart.x_label.empty())
    result += svg_text((left + right) / 2, height - 6, "middle", chart.x_label);
  if (!chart.y_label.empty()) {
    const double middle = (top + plot.bottom) / 2;
    const std::string turn = text("transform=\"rotate(-90 12 ", fixed(middle, 1), ")\"");
    result += svg_text(12, middle, "middle", chart.y_label, turn);
  }
  for (std::size_t s = 0; s < chart.series.size(); ++s)
    result += svg_series(chart.series[s], plot, chart_colour(s));
  return result + "</svg>\n";
}

inline std::string svg(const BarChart& chart) {
  using namespace detail;
  constexpr double width = 760, bar = 22, gap = 10, top = 30;
  Range values;
  values.include(0);
  double names = 0, labels = 0;
  const auto label = [&](double value) {
    return std::isfinite(value) ? fixed(value, chart.decimals) + chart.unit
                                : std::string("no finite value");
  };
  for (const BarChart::Bar& one : chart.bars) {
    if (std::isfinite(one.value)) values.include(one.value);
    names = std::max(names, text_width(one.name));
    labels = std::max(labels, text_width(label(one.value)));
  }
  values.widen();
  if (values.low > -1e-12) values.low = 0;
  names = std::min(names, 0.45 * width);
  const double left = names + 10, right = width - labels - 12;
  const auto place = [&](double value) { return left + values.part(value) * (right - left); };
  std::string result = svg_open(
      width, top + static_cast<double>(chart.bars.size()) * (bar + gap) + 4, chart.title);
  double y = top;
  for (const BarChart::Bar& one : chart.bars) {
    const double end = place(std::isfinite(one.value) ? one.value : 0), zero = place(0);
    result += svg_text(left - 8, y + 15, "end", one.name);
    result += text("<rect x=\"", fixed(std::min(zero, end), 1), "\" y=\"", fixed(y, 1),
                   "\" width=\"", fixed(std::abs(end - zero), 1), "\" height=\"", fixed(bar, 0),
                   "\" rx=\"2\" fill=\"", chart_colour(0), "\"/>\n");
    result += svg_text(std::max(zero, end) + 6, y + 15, "start", label(one.value));
    y += bar + gap;
  }
  result += svg_line(place(0), top - 4, place(0), y - gap + 4, ".6");
  return result + "</svg>\n";
}

}  // namespace arvit
