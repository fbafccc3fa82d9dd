// SPDX-License-Identifier: BSL-1.0
#include "arvit/show/report.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::TemporaryFolder;

namespace {

int count(std::string_view text, std::string_view part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

/// Whether every tag is closed in order, and attributes are quoted: enough of XML for what a report
/// may hold.
bool is_well_formed(std::string_view html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string_view::npos; at = html.find('<', at)) {
    const std::size_t end = html.find('>', at);
    if (end == std::string_view::npos) return false;
    const std::string_view tag = html.substr(at + 1, end - at - 1);
    at = end;
    if (tag.find('<') != std::string_view::npos || count(tag, "\"") % 2 != 0) return false;
    const std::string name(tag.substr(0, tag.find_first_of(" \n/", 1)));
    if (name == "!DOCTYPE" || name == "meta" || name == "img" || tag.ends_with('/')) continue;
    if (!name.starts_with('/'))
      open.push_back(name);
    else if (open.empty() || "/" + open.back() != name)
      return false;
    else
      open.pop_back();
  }
  return open.empty();
}

}  // namespace

TEST_CASE("report: everything is in one file, and all text is text") {
  const TemporaryFolder folder;
  const std::uint8_t ink[] = {1, 2, 3};
  const std::string columns[] = {"row", "accuracy <%>"};
  const std::vector<std::vector<std::string>> rows{{"ours & theirs", "84.1"}, {"pixels", "-3"}};
  Report report("A \"run\" <b>");
  report.heading("Tom & \xff")
      .paragraph("1 < 2")
      .preformatted("./demo --data 'x'\n")
      .table(columns, rows);
  report.picture({ink, 1, 1, 3, 3}, "one \"pixel\"");
  report.chart(LineChart{
      "loss", "step", "MSE", {{"train", {1, 2, 3}, {3, 2, 1.5}}, {"<test>", {1, 3}, {3.5, 2.5}}}});
  report.chart(BarChart{"accuracy", " %", {{"ours", 84.25}, {"pixels", 84}}});
  report.write(folder / "report.html");
  const std::string html = read_text(folder / "report.html");
  CHECK(html == report.html());
  CHECK(is_well_formed(html));
  CHECK(count(html, "<title>A &quot;run&quot; &lt;b&gt;</title>") == 1);
  CHECK(count(html, "<h2>Tom &amp; \xEF\xBF\xBD</h2>") == 1);
  CHECK(count(html, "<p>1 &lt; 2</p>") == 1);
  CHECK(count(html, "<td>ours &amp; theirs</td><td class=\"number\">84.1</td>") == 1);
  CHECK(count(html, "<td class=\"number\">-3</td>") == 1);
  CHECK(count(html, detail::base64(encode_png({ink, 1, 1, 3, 3}))) == 1);
  CHECK(count(html, "&lt;test&gt;</text>") == 1);
  CHECK(count(html, "84.2 %</text>") + count(html, "84.3 %</text>") == 1);
  CHECK(count(html, "http") == 2);  // the name space of the two charts
  CHECK_THROWS_AS(report.table(std::span(columns, 1), rows), ShapeError);
}

TEST_CASE("report: base64") {
  // RFC 4648, section 10.
  const auto encoded = [](std::string_view text) {
    return detail::base64(Bytes(text.begin(), text.end()));
  };
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foobar") == "Zm9vYmFy");
  CHECK(encoded("\xfb\xff") == "+/8=");
}

TEST_CASE("chart: ticks are round and lie inside") {
  const auto labels = [](double low, double high) {
    const detail::Ticks ticks = detail::ticks(low, high, 6);
    std::string all;
    for (int i = 0; i < ticks.count; ++i) all += ticks.label(i) + " ";
    return all;
  };
  CHECK(labels(0, 1) == "0.0 0.2 0.4 0.6 0.8 1.0 ");
  CHECK(labels(-0.3, 0.31) == "-0.2 0.0 0.2 ");
  CHECK(labels(1, 100'000) == "20000 40000 60000 80000 100000 ");
  CHECK(labels(0.0012, 0.0018) == "0.0012 0.0013 0.0014 0.0015 0.0016 0.0017 0.0018 ");
  CHECK(labels(-1e9, 1e9) == "-1e+09 -5e+08 0 5e+08 1e+09 ");
  CHECK(labels(0, 4e-7) == "0 1e-07 2e-07 3e-07 4e-07 ");
  for (double low = -3; low < 3; low += 0.37)
    for (double size = 1e-3; size < 1e5; size *= 3.1) {
      const detail::Ticks ticks = detail::ticks(low, low + size, 6);
      CHECK(ticks.count >= 2);
      CHECK(ticks.count <= 7);
      CHECK(ticks.at(0) >= low - 1e-6 * size);
      CHECK(ticks.at(ticks.count - 1) <= low + size + 1e-6 * size);
    }
}

TEST_CASE("chart: lines") {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  const std::string broken = svg(
      LineChart{"t", "x", "y", {{"a", {1, 2, 3, 4, 5}, {1, 2, nan, infinity, 3}}}});
  CHECK(is_well_formed(broken));
  CHECK(count(broken, "M") == 2);  // two pieces
  CHECK(count(broken, "<circle") == 3);
  CHECK(count(broken, "nan") + count(broken, "inf") == 0);
  for (const LineChart& odd :
       {LineChart{"t", "", "", {}}, LineChart{"t", "", "", {{"a", {1}, {nan}}}},
        LineChart{"t", "", "", {{"a", {}, {}}}}})
    CHECK(count(svg(odd), "no finite value to draw") == 1);
  for (const double value : {0.0, 5.0, -1e300, 1e-300}) {
    const std::string one = svg(LineChart{"t", "", "", {{"a", {value}, {value}}}});
    CHECK(is_well_formed(one));
    CHECK(count(one, "<circle") == 1);
    CHECK(count(one, "nan") + count(one, "inf") == 0);
  }

  // Of many points, the extremes stay.
  Series many{"a", std::vector<double>(100'000), std::vector<double>(100'000)};
  for (std::size_t i = 0; i < many.x.size(); ++i) {
    many.x[i] = static_cast<double>(i);
    many.y[i] = std::sin(static_cast<double>(i));
  }
  many.y[31'415] = 50;
  many.y[27'182] = -50;
  many.y[60'000] = nan;
  const auto drawn = detail::drawn_points(many);
  CHECK(drawn.size() < 2500);
  CHECK(std::is_sorted(drawn.begin(), drawn.end()));
  for (const std::size_t kept : {31'415, 27'182, 60'000})
    CHECK(std::count(drawn.begin(), drawn.end(), kept) == 1);
  CHECK(svg(LineChart{"t", "", "", {many}}).size() < 60'000);
}

TEST_CASE("chart: bars start at zero") {
  const std::string bars = svg(
      BarChart{"t",
               "",
               {{"a", 50}, {"b", 100}, {"c", 0}, {"d", std::numeric_limits<double>::quiet_NaN()}},
               0});
  CHECK(is_well_formed(bars));
  const auto width_of = [&](int which) {
    std::size_t at = 0;
    for (int i = 0; i <= which; ++i) at = bars.find("<rect", at + 1);
    return std::stod(bars.substr(bars.find("width=\"", at) + 7));
  };
  CHECK(width_of(0) == doctest::Approx(width_of(1) / 2).epsilon(0.001));
  CHECK(width_of(2) == 0);
  CHECK(count(bars, "no finite value") == 1);
  CHECK(is_well_formed(svg(BarChart{"t", "", {{"a", -5}, {"b", 5}}})));
  CHECK(is_well_formed(svg(BarChart{"t", "", {}})));
}
