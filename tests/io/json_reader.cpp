// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/json_reader.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "arvit/core/random.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;

TEST_CASE("json_reader: values come out as they went in") {
  JsonReader json(R"( {"name": "a\u00e9\ud83d\ude00\n\"", "list": [1, 0, 9223372036854775807], )"
                  R"("more": [{}, [], -1.5e+3, true, null]} )",
                  "x");
  std::vector<std::int64_t> list;
  std::string name;
  json.object([&](const std::string& key) {
    if (key == "name")
      name = json.string();
    else if (key == "list")
      json.array([&] { list.push_back(json.whole_number().value()); });
    else
      json.skip();
  });
  json.end();
  CHECK(name == "a\xC3\xA9\xF0\x9F\x98\x80\n\"");
  CHECK(list == std::vector<std::int64_t>{1, 0, 9223372036854775807});
  for (const char* other : {"-1", "-0", "1.0", "1e3", "9223372036854775808"})
    CHECK_FALSE(JsonReader(other, "x").whole_number());
}

TEST_CASE("json_reader: a fault is one sentence with its place") {
  const auto complaint = [](std::string_view text) {
    return message_of<FileError>([&] {
      JsonReader json(text, "a.json");
      json.skip();
      json.end();
    });
  };
  CHECK(complaint("{\n  \"a\": tru }") ==
        "a.json: is not the JSON that it should be: at line 2, column 8 true was expected; correct "
        "it or write it again.");
  CHECK(complaint("[1,") ==
        "a.json: is not the JSON that it should be: at line 1, column 4, where it ends, a value "
        "was expected; correct it or "
        "write it again.");
  CHECK(complaint(R"({"a": 1, "b": {"a": 1}, "a": 2})") ==
        "a.json: its JSON holds the name \"a\" twice in one object; remove one.");
  CHECK(complaint(std::string(100'000, '[')).find("nested deeper than 64") != std::string::npos);
  CHECK(complaint("1 2").find("column 3 the end was expected") != std::string::npos);
  CHECK(complaint(std::string_view("1\0", 2)).find("the end was expected") != std::string::npos);
}

TEST_CASE("json_reader: accepts what the JSON library accepts, and nothing else") {
  const std::string whole = R"({"a": [1, -0.5, 2e-3, true, false, null], )"
                            R"("b\t\u12ab": {"c": "é\ud83d\ude00", "d": []}, "e": {}})";
  Stream stream({.seed = 3});
  int accepted = 0;
  for (int attempt = 0; attempt < 20000; ++attempt) {
    std::string text = whole;
    for (std::uint32_t edits = 1 + stream.below(3); edits > 0; --edits) {
      const std::size_t place = stream.below(static_cast<std::uint32_t>(text.size()));
      switch (stream.below(3)) {
        case 0:
          text[place] = static_cast<char>(stream.below(256));
          break;
        case 1:
          text.erase(place, 1 + stream.below(4));
          break;
        default:
          text.insert(place, 1, "0123456789-+.eE,[]{}\":\\utfn "[stream.below(29)]);
      }
    }
    const std::string complaint = message_of<FileError>([&] {
      JsonReader json(text, "x");
      json.skip();
      json.end();
    });
    // Stricter than the library.
    if (complaint.find("twice in one object") != std::string::npos) continue;
    CHECK_MESSAGE((complaint.empty() == nlohmann::json::accept(text)), text, " -> ", complaint);
    accepted += complaint.empty() ? 1 : 0;
  }
  CHECK(accepted > 1000);
}
