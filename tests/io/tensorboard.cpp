// SPDX-License-Identifier: BSL-1.0
#include "arvit/io/tensorboard.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "support/temporary_folder.hpp"

using namespace arvit;
using Json = nlohmann::json;
using arvit::test::message_of;
using arvit::test::TemporaryFolder;
using arvit::test::write_bytes;

namespace {

/// What read_events.py prints, or nothing when it complains.
std::vector<Json> events(const std::filesystem::path& file) {
  const std::string command = text("python3 '", ARVIT_SOURCE_DIR, "/tests/io/read_events.py' '",
                                   file.string(), "' 2>/dev/null");
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
  if (pclose(pipe) != 0) return {};
  std::vector<Json> lines;
  for (std::size_t begin = 0; begin < output.size(); begin = output.find('\n', begin) + 1)
    lines.push_back(Json::parse(output.substr(begin, output.find('\n', begin) - begin)));
  return lines;
}

bool has_python() { return std::system("python3 -c '' 2>/dev/null") == 0; }

}  // namespace

TEST_CASE("tensorboard: CRC-32C") {
  // RFC 3720, appendix B.4, and the check value of the CRC catalogue.
  CHECK(detail::crc32c("123456789") == 0xE3069283u);
  CHECK(detail::crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(detail::crc32c(std::string(32, '\xff')) == 0x62A8AB43u);
  std::string rising, falling;
  for (int i = 0; i < 32; ++i) {
    rising += static_cast<char>(i);
    falling += static_cast<char>(31 - i);
  }
  CHECK(detail::crc32c(rising) == 0x46DD794Eu);
  CHECK(detail::crc32c(falling) == 0x113FDB5Cu);
  static_assert(detail::crc32c("") == 0);
}

TEST_CASE("tensorboard: wire format") {
  // The worked examples of the protocol buffers documentation: field 1 = 150, field 2 = "testing".
  detail::Protobuf message;
  message.varint(1, 150);
  message.bytes(2, "testing");
  CHECK(message.text() == "\x08\x96\x01\x12\x07testing");
  detail::Protobuf large;
  large.varint(16, ~std::uint64_t{0});
  CHECK(large.text() == std::string("\x80\x01") + std::string(9, '\xff') + "\x01");
}

TEST_CASE("tensorboard: an independent reader finds every event") {
  if (!has_python()) {
    MESSAGE("python3 is not here; the event file is not read back");
    return;
  }
  const TemporaryFolder folder;
  TensorBoard run(folder / "runs" / "a");
  const auto before = static_cast<double>(std::time(nullptr));
  const Scalar values[] = {{"train/loss", 0.123f}, {"train/lr", 1e-4f}};
  run.scalars(1, values);
  run.scalar(300, "test/accuracy", 0.875f);
  run.scalar(5'000'000'000, "large", -1);
  run.flush();
  const std::vector<Json> found = events(run.path());
  REQUIRE(found.size() == 4);
  CHECK(found[0]["file_version"] == "brain.Event:2");
  CHECK(found[1]["step"] == 1);
  CHECK(found[1]["values"] == Json{{"train/loss", static_cast<double>(0.123f)},
                                   {"train/lr", static_cast<double>(1e-4f)}});
  CHECK(found[1]["wall_time"].get<double>() >= before);
  CHECK(found[1]["wall_time"].get<double>() < before + 3600);
  CHECK(found[2]["step"] == 300);
  CHECK(found[2]["values"] == Json{{"test/accuracy", 0.875}});
  CHECK(found[3]["step"] == 5'000'000'000);

  const TensorBoard resumed(folder / "runs" / "a", 300);
  CHECK(resumed.path() != run.path());
  CHECK(resumed.path().filename().string().starts_with("events.out.tfevents."));
  const std::vector<Json> start = events(resumed.path());
  REQUIRE(start.size() == 2);
  CHECK(start[1]["step"] == 300);
  CHECK(start[1]["session_log_status"] == 1);

  std::string damaged = read_text(run.path());
  damaged[damaged.size() - 9] ^= 1;
  write_bytes(folder / "damaged", std::string_view(damaged));
  CHECK(events(folder / "damaged").empty());  // the reader does look at the checksums
}

TEST_CASE("tensorboard: a folder that cannot be made is one sentence") {
  const TemporaryFolder folder;
  write_bytes(folder / "file", std::string_view("x"));
  CHECK(message_of<FileError>([&] {
          TensorBoard run(folder / "file" / "runs");
        }).find("/file/runs: cannot be made (Not a directory)") != std::string::npos);
}
