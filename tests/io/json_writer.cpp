// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/json_writer.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

using namespace arvit;
using Json = nlohmann::json;

TEST_CASE("json_writer: what it writes is what the parser reads") {
  JsonWriter writer;
  writer.begin_object();
  writer.member("step", 7);
  writer.member("loss", 0.1f);
  writer.member("double", 0.1);
  writer.member("ok", true);
  writer.member("none", nullptr);
  writer.member("nan", std::numeric_limits<double>::quiet_NaN());
  writer.member("infinity", -std::numeric_limits<float>::infinity());
  writer.member("list", std::array{1, 2});
  writer.member("empty", std::array<int, 0>{});
  writer.key("nested").begin_array();
  writer.begin_object().end_object();
  writer.value("x");
  writer.begin_object().member("y", std::string("z")).end_object();
  writer.end_array();
  writer.member("last", -1).end_object();
  CHECK(writer.text() == R"({"step":7,"loss":0.1,"double":0.1,"ok":true,"none":null,"nan":null,)"
                         R"("infinity":null,"list":[1,2],"empty":[],)"
                         R"("nested":[{},"x",{"y":"z"}],"last":-1})");
  CHECK(Json::parse(writer.text())["nested"][2]["y"] == "z");
  CHECK(writer.take().size() > 10);
  CHECK(writer.value("again").text() == "\"again\"");

  // Every byte, alone and before a letter; every character of the plane; all floats of a sweep come
  // back exactly.
  for (int byte = 0; byte < 256; ++byte) {
    const std::string raw = {static_cast<char>(byte), 'x'};
    writer.clear();
    writer.value(raw);
    CHECK(Json::parse(writer.text()) == (byte < 128 ? raw : "\xEF\xBF\xBDx"));
  }
  for (const std::string_view valid : {"\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                                       "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    writer.clear();
    CHECK(Json::parse(writer.value(valid).text()) == valid);
  }
  for (const std::string_view invalid : {"\xC1\x80", "\xE0\x9F\x80", "\xED\xA0\x80",
                                         "\xF0\x8F\x80\x80", "\xF4\x90\x80\x80", "\xE2\x82"}) {
    writer.clear();
    CHECK(Json::parse(writer.value(invalid).text()).get<std::string>().starts_with("\xEF\xBF\xBD"));
  }
  for (float value = 1e-38f; value < 1e38f; value *= 1.7f) {
    writer.clear();
    CHECK(Json::parse(writer.value(value).text()).get<float>() == value);
  }
}
