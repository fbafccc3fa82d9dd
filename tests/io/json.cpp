// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/json.hpp"

#include <doctest/doctest.h>

#include <array>
#include <limits>

#include "arvit/io/json_writer.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;

TEST_CASE("json: files go round") {
  const TemporaryFolder folder;
  const Json value = {{"name", "SemAIM"}, {"loss", 0.1}, {"sizes", {1, 2, 3}}};
  write_json(folder / "a.json", value);
  CHECK(read_json(folder / "a.json") == value);
  write_json(folder / "bytes.json", Json("\xff"));
  CHECK(read_json(folder / "bytes.json") == "\xEF\xBF\xBD");
}

TEST_CASE("json: bad text is one sentence with its place") {
  const auto complaint = [](std::string_view text) {
    return message_of<FileError>([&] { parse_json(text, "a.json"); });
  };
  CHECK(complaint("{\n  \"a\": tru }") ==
        "a.json: is not valid JSON at line 2, column 11; correct it or write it again.");
  CHECK(complaint("{\"a\": [1,") ==
        "a.json: is not valid JSON at line 1, column 10, where it ends too early; correct it or "
        "write it again.");
  CHECK(complaint("") ==
        "a.json: is not valid JSON at line 1, column 1, where it ends too early; correct it or "
        "write it again.");
  CHECK(complaint("\"\xff\"").find("at line 1, column 2;") != std::string::npos);
  CHECK(complaint("{\"a\": 1, \"b\": {\"a\": 1}, \"a\": 2}") ==
        "a.json: its JSON holds the name \"a\" twice in one object; remove one.");
  CHECK(complaint("1e999").find("no double can hold") != std::string::npos);
  CHECK(complaint(std::string(100'000, '[')).find("nested deeper than 64") != std::string::npos);
  CHECK(complaint("[{\"a\": 1}, {\"a\": 2}]") == "");
}

TEST_CASE("json_writer: what it writes is what the parser reads") {
  JsonWriter writer;
  writer.begin_object()
      .member("step", 7)
      .member("loss", 0.1f)
      .member("double", 0.1)
      .member("ok", true)
      .member("none", nullptr);
  writer.member("nan", std::numeric_limits<double>::quiet_NaN())
      .member("infinity", -std::numeric_limits<float>::infinity());
  writer.member("list", std::array{1, 2})
      .member("empty", std::array<int, 0>{})
      .key("nested")
      .begin_array();
  writer.begin_object()
      .end_object()
      .value("x")
      .begin_object()
      .member("y", std::string("z"))
      .end_object()
      .end_array()
      .member("last", -1)
      .end_object();
  CHECK(
      writer.text() ==
      R"({"step":7,"loss":0.1,"double":0.1,"ok":true,"none":null,"nan":null,"infinity":null,"list":[1,2],"empty":[],)"
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
