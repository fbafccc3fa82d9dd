// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "arvit/core/linkage.hpp"
#include "arvit/io/png.hpp"
#include "arvit/show/chart.hpp"

namespace arvit {

/// One HTML file with everything inside it: text, tables, pictures, charts. No script, nothing
/// loaded from elsewhere. All text is escaped. Parts appear in the order of the calls.
class Report {
 public:
  struct Picture {
    Pixels pixels;
    std::string caption;
  };

  explicit Report(std::string_view title);

  Report& heading(std::string_view text) { return add("<h2>", text, "</h2>\n"); }
  Report& paragraph(std::string_view text) { return add("<p>", text, "</p>\n"); }
  /// Text with its line ends and blanks, such as a command or a log.
  Report& preformatted(std::string_view text) { return add("<pre>", text, "</pre>\n"); }

  /// Cells that begin with a number are aligned to the right. A row of another length than
  /// `columns` throws ShapeError.
  Report& table(std::span<const std::string> columns,
                std::span<const std::vector<std::string>> rows);

  /// Pictures beside each other as far as the page is wide, each pixel at least as large as one of
  /// the screen.
  Report& pictures(std::span<const Picture> pictures);
  Report& picture(const Pixels& pixels, std::string_view caption = "") {
    const Picture one{pixels, std::string(caption)};
    return pictures({&one, 1});
  }

  Report& chart(const LineChart& chart);
  Report& chart(const BarChart& chart);

  std::string html() const;
  void write(const std::filesystem::path& path) const;

 private:
  Report& add(std::string_view open, std::string_view content, std::string_view close);

  std::string title_, body_;
};

}  // namespace arvit

#if !defined(ARVIT_COMPILED)
#include "arvit/show/impl/report.ipp"
#endif
