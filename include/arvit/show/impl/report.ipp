// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/show/report.hpp"

#include "arvit/core/error.hpp"
#include "arvit/io/file.hpp"
#include "arvit/show/html.hpp"

namespace arvit {

namespace detail {
inline constexpr std::string_view report_style = R"(
:root {
  color-scheme: light dark;
  --ink: #1d2430; --paper: #fff; --soft: #667085; --line: #e3e7ee; --band: #f6f8fb;
}
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --paper: #14171c; --soft: #98a2b3; --line: #2b313b; --band: #1b2027; }
}
body {
  margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem;
  color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif;
}
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 1rem; }
h2 {
  font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--line);
}
p { max-width: 46rem; }
pre {
  background: var(--band); border: 1px solid var(--line); border-radius: 6px;
  padding: .75rem 1rem; overflow-x: auto; font-size: .85rem;
}
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 2px solid var(--line); }
th, td { padding: .4rem 1.1rem .4rem .4rem; }
td { border-bottom: 1px solid var(--line); }
.number { text-align: right; }
.number, th, td:first-child { white-space: nowrap; }
tbody tr:nth-child(even) { background: var(--band); }
figure { margin: 1rem 0; max-width: 100%; }
figure svg { display: block; width: 100%; max-width: 760px; height: auto; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem 1.25rem; align-items: flex-start; }
.pictures figure { margin: .5rem 0; }
img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
figcaption { color: var(--soft); font-size: .85rem; margin-top: .3rem; }
)";

ARVIT_DEFINITION bool begins_with_number(std::string_view cell) {
  while (!cell.empty() && (cell.front() == '+' || cell.front() == '-' || cell.front() == '.'))
    cell.remove_prefix(1);
  return !cell.empty() && '0' <= cell.front() && cell.front() <= '9';
}
}  // namespace detail

ARVIT_DEFINITION Report& Report::table(std::span<const std::string> columns,
                                       std::span<const std::vector<std::string>> rows) {
  body_ += "<div class=\"wide\"><table>\n<thead><tr>";
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const bool numbers = !rows.empty() && c < rows[0].size() &&
                         detail::begins_with_number(rows[0][c]);
    body_ += text(numbers ? "<th class=\"number\">" : "<th>", detail::escaped(columns[c]), "</th>");
  }
  body_ += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : rows) {
    if (row.size() != columns.size())
      fail<ShapeError>("report: a table row of ", row.size(), " cells for ", columns.size(),
                       " columns; each column needs one.");
    body_ += "<tr>";
    for (const std::string& cell : row)
      body_ += text(detail::begins_with_number(cell) ? "<td class=\"number\">" : "<td>",
                    detail::escaped(cell), "</td>");
    body_ += "</tr>\n";
  }
  body_ += "</tbody></table></div>\n";
  return *this;
}

ARVIT_DEFINITION Report& Report::pictures(std::span<const Picture> pictures) {
  body_ += "<div class=\"pictures\">\n";
  for (const Picture& picture : pictures) {
    const std::string caption = detail::escaped(picture.caption);
    body_ += text("<figure><img width=\"", picture.pixels.width, "\" height=\"",
                  picture.pixels.height, "\" alt=\"", caption, "\" src=\"data:image/png;base64,",
                  detail::base64(encode_png(picture.pixels)), "\">",
                  caption.empty() ? "" : "<figcaption>" + caption + "</figcaption>", "</figure>\n");
  }
  body_ += "</div>\n";
  return *this;
}

ARVIT_DEFINITION Report& Report::chart(const LineChart& chart) {
  body_ += text("<figure>", svg(chart), "</figure>\n");
  return *this;
}

ARVIT_DEFINITION Report& Report::chart(const BarChart& chart) {
  body_ += text("<figure>", svg(chart), "</figure>\n");
  return *this;
}

ARVIT_DEFINITION std::string Report::html() const {
  return text(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
      title_, "</title>\n<style>", detail::report_style, "</style>\n</head>\n<body>\n<h1>", title_,
      "</h1>\n", body_, "</body>\n</html>\n");
}

ARVIT_DEFINITION void Report::write(const std::filesystem::path& path) const {
  write_atomically(path, html());
}

ARVIT_DEFINITION Report::Report(std::string_view title) : title_(detail::escaped(title)) {}

ARVIT_DEFINITION Report& Report::add(std::string_view open, std::string_view content,
                                     std::string_view close) {
  body_ += text(open, detail::escaped(content), close);
  return *this;
}

}  // namespace arvit
