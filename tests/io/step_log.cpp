// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/step_log.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "arvit/io/csv.hpp"
#include "arvit/io/json_lines.hpp"
#include "support/temporary_folder.hpp"

using namespace arvit;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;
using arvit::test::write_bytes;

TEST_CASE("csv: rows, resumed") {
  const TemporaryFolder folder;
  const auto path = folder / "log.csv";
  const std::string columns[] = {"loss", "images/s, \"mean\""};
  const std::string header = "step,loss,\"images/s, \"\"mean\"\"\"\n";
  const auto rows = [](CsvLog& log, std::int64_t begin, std::int64_t end, double loss) {
    for (std::int64_t step = begin; step < end; ++step) {
      const double values[] = {loss, static_cast<double>(step)};
      log.row(step, values);
    }
  };
  {
    CsvLog log(path, columns);
    rows(log, 1, 4, 0.1);
    const double special[] = {std::numeric_limits<double>::quiet_NaN(), 1e-7};
    log.row(4, special);
    log.flush();
    CHECK(read_text(path) == header + "1,0.1,1\n2,0.1,2\n3,0.1,3\n4,nan,1e-07\n");
    CHECK_THROWS_AS(log.row(5, std::span(special, 1)), ShapeError);
  }
  {
    CsvLog log(path, columns, 3);
    CHECK(read_text(path) == header + "1,0.1,1\n2,0.1,2\n");
    rows(log, 3, 5, 0.5);
    CHECK(read_text(path) == header + "1,0.1,1\n2,0.1,2\n3,0.5,3\n4,0.5,4\n");
  }
  CsvLog(path, columns, 100);  // nothing to remove
  CHECK(read_text(path) == header + "1,0.1,1\n2,0.1,2\n3,0.5,3\n4,0.5,4\n");
  write_bytes(path, std::string_view(header + "1,0.1,1\n2,0."));
  CsvLog(path, columns, 100);
  CHECK(read_text(path) == header + "1,0.1,1\n");
  write_bytes(path, std::string_view(header.substr(0, 7)));
  CsvLog(path, columns, 100);
  CHECK(read_text(path) == header);
  CsvLog(path, columns);
  CHECK(read_text(path) == header);

  const std::string other[] = {"loss"};
  CHECK(message_of<FileError>([&] { CsvLog(path, other, 1); }) ==
        path.string() +
            ": does not begin with the columns of this log; move the file away or choose another "
            "name.");
  write_bytes(path, std::string_view(header + "1,0.1,1\nnotes\n"));
  CHECK(message_of<FileError>([&] { CsvLog(path, columns, 5); }) ==
        path.string() + ": line 3 is none of this log; move the file away or choose another name.");
  CHECK(read_text(path) == header + "1,0.1,1\nnotes\n");
}

TEST_CASE("json_lines: lines, resumed") {
  const TemporaryFolder folder;
  const auto path = folder / "log.jsonl";
  const auto loss = [](double value) {
    return [value](JsonWriter& json) { json.member("loss", value); };
  };
  {
    JsonLinesLog log(path);
    log.line(9, loss(0.5));
    log.line(10, loss(0.25));
    log.line(11, [](JsonWriter&) {});
    log.flush();
  }
  CHECK(read_text(path) ==
        "{\"step\":9,\"loss\":0.5}\n{\"step\":10,\"loss\":0.25}\n{\"step\":11}\n");
  {
    JsonLinesLog log(path, 10);
    log.line(10, loss(2));
  }
  CHECK(read_text(path) == "{\"step\":9,\"loss\":0.5}\n{\"step\":10,\"loss\":2}\n");
  write_bytes(path, std::string_view("{\"step\":9,\"loss\":0.5}\n{\"step\":10,\"lo"));
  JsonLinesLog(path, 100).line(11, loss(3));
  CHECK(read_text(path) == "{\"step\":9,\"loss\":0.5}\n{\"step\":11,\"loss\":3}\n");
  for (const char* stranger : {"hello\n", "{\"loss\":1}\n", "{\"step\":x}\n", "{\"step\":1\n"}) {
    write_bytes(path, std::string_view(stranger));
    CHECK(message_of<FileError>([&] { JsonLinesLog(path, 5); }) ==
          path.string() +
              ": line 1 is none of this log; move the file away or choose another name.");
    CHECK(read_text(path) == stranger);
  }
}
