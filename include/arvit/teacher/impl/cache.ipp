// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "arvit/teacher/cache.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include "arvit/core/checksum.hpp"
#include "arvit/core/dtype.hpp"
#include "arvit/core/error.hpp"

namespace arvit {

namespace detail {
inline constexpr std::string_view cache_format = "arvit teacher cache 1\n",
                                  cache_end = "end of text: ";
inline constexpr std::int64_t cache_page = 4096, cache_text_limit = 1 << 16;
}  // namespace detail

ARVIT_DEFINITION TeacherCache::TeacherCache(TeacherCacheOptions options, FrozenTeacher teacher)
    : options_(std::move(options)), teacher_(std::move(teacher)) {
  options_.key.insert(options_.key.begin(), {"teacher", teacher_.identity});
  options_.key.push_back({"numbers", text(options_.pictures, " pictures, ", options_.width,
                                          " numbers each in ", teacher_.halves ? "bf16" : "fp32")});
  std::string key;
  for (auto& [name, value] : options_.key) {
    std::replace(value.begin(), value.end(), '\n', ' ');
    key += text(name, ": ", value, "\n");
  }
  slot_.resize(slot_bytes());
  if (std::error_code error; !std::filesystem::exists(options_.path, error)) create(key);
  open(key);
}

ARVIT_DEFINITION void TeacherCache::create(const std::string& key) const {
  const double most = options_.gigabytes * 1e9 - detail::cache_page;
  const auto slots = most >= static_cast<double>(crops() * slot_bytes())
                         ? crops()
                         : static_cast<std::int64_t>(most / static_cast<double>(slot_bytes()));
  if (slots < 1)
    fail<OptionError>(options_.path, ": what the teacher gives for one crop takes ", slot_bytes(),
                      " bytes, so none fits into ", options_.gigabytes,
                      " * 10^9 bytes; give the cache more.");
  std::string head = text(detail::cache_format, "slots: ", slots, "\n", key);
  head += text(detail::cache_end, checksum(detail::as_bytes(head)), "\n");
  if (static_cast<std::int64_t>(head.size()) > detail::cache_text_limit)
    fail<OptionError>(options_.path, ": what a cache must say of itself takes ", head.size(),
                      " bytes; give a shorter key.");
  head.resize((head.size() + detail::cache_page - 1) / detail::cache_page * detail::cache_page);
  write_atomically(options_.path, [&](AtomicFile& file) {
    file.write(head);
    file.extend(static_cast<std::int64_t>(head.size()) + slots * slot_bytes());
  });
}

ARVIT_DEFINITION void TeacherCache::open(const std::string& key) {
  const std::string& path = options_.path;
  struct stat status {};
  detail::open_to_read(path, status);  // its sentences for what cannot be read
  file_ = detail::Descriptor(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file_.is_open()) detail::fail_errno(path, "cannot be written", errno);
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    fail<FileError>(path,
                    ": is in use by another run; give each its own cache, or wait until that one "
                    "ends.");
  std::string head(detail::cache_text_limit, '\0');
  errno = 0;
  head.resize(detail::read_at(file_.get(), std::as_writable_bytes(std::span(head)), 0));
  if (errno != 0) detail::fail_to_read(path, errno);
  if (!head.starts_with(detail::cache_format))
    fail<FileError>(path, ": is no teacher cache, those begin with '",
                    detail::cache_format.substr(0, detail::cache_format.size() - 1),
                    "'; choose another file.");
  const auto damaged = [&](const auto&... what) {
    fail<FileError>(path, ": ", what..., "; delete it, and it is made anew.");
  };
  const auto end = head.find(text("\n", detail::cache_end)) + 1;
  if (end == 0) damaged("is cut within the text at its beginning");
  const std::string_view said = std::string_view(head).substr(0, end),
                         sum = std::string_view(head).substr(end + detail::cache_end.size());
  if (!sum.starts_with(text(checksum(detail::as_bytes(said)), "\n")))
    damaged("the text at its beginning is damaged");
  begin_ = static_cast<std::int64_t>((head.find('\n', end) + detail::cache_page) /
                                     detail::cache_page * detail::cache_page);

  std::string_view rest = said.substr(detail::cache_format.size());
  const auto next = [&](std::string_view name) {  // the value of the next line
    const std::string_view line = rest.substr(0, rest.find('\n'));
    if (!line.starts_with(text(name, ": ")))
      damaged("the text at its beginning says nothing of its ", name);
    rest.remove_prefix(line.size() + 1);
    return line.substr(name.size() + 2);
  };
  const std::string_view slots = next("slots");
  std::from_chars(slots.data(), slots.data() + slots.size(), slots_);
  if (rest != key) {
    for (const auto& [name, value] : options_.key)
      if (const std::string_view there = next(name); there != value)
        fail<FileError>(path, ": holds other numbers (", name, ": ", there, "; here: ", value,
                        "); give the teacher, pictures and options that it was made with, or "
                        "another cache.");
    damaged("the text at its beginning says more than a cache of this teacher would");
  }
  if (::fstat(file_.get(), &status) != 0) detail::fail_errno(path, "cannot be read", errno);
  if (const std::int64_t whole = begin_ + slots_ * slot_bytes(); status.st_size < whole)
    damaged("is cut short: has ", status.st_size, " of its ", whole, " bytes");
}

ARVIT_DEFINITION std::string TeacherCache::describe() const {
  const std::int64_t held = std::min(slots_, crops());
  return text("teacher cache ", options_.path, ": room for ",
              held == crops() ? text("all ", held) : text(held, " of ", crops()), " crops, ",
              slot_bytes(), " bytes each",
              held == crops() ? "" : "; the others are computed every time");
}

ARVIT_DEFINITION std::int64_t TeacherCache::slot_of(const Counter& picture) const {
  return std::int64_t{picture.epoch} % options_.views * options_.pictures + picture.image;
}

ARVIT_DEFINITION std::uint64_t TeacherCache::crop_sum(const float* image) const {
  return checksum(std::as_bytes(std::span(image, static_cast<std::size_t>(options_.image_width))));
}

ARVIT_DEFINITION bool TeacherCache::read(std::int64_t slot, const float* image, float* numbers) {
  if (detail::read_at(file_.get(), slot_, begin_ + slot * slot_bytes()) != slot_.size())
    return false;
  std::uint64_t sum = 0;
  std::memcpy(&sum, slot_.data(), sizeof sum);
  const std::span<const std::byte> stored = std::span(slot_).subspan(sizeof sum);
  if (sum == 0 || sum != checksum(stored, crop_sum(image))) return false;
  if (!teacher_.halves)
    std::memcpy(numbers, stored.data(), stored.size());
  else
    for (std::int64_t i = 0; i < options_.width; ++i) {
      bf16 value;
      std::memcpy(&value, stored.data() + 2 * i, sizeof value);
      numbers[i] = static_cast<float>(value);
    }
  return true;
}

ARVIT_DEFINITION void TeacherCache::write(std::int64_t slot, const float* image, float* numbers) {
  std::byte* const stored = slot_.data() + 8;
  if (!teacher_.halves)
    std::memcpy(stored, numbers, slot_.size() - 8);
  else
    for (std::int64_t i = 0; i < options_.width; ++i) {
      const bf16 value(numbers[i]);
      std::memcpy(stored + 2 * i, &value, sizeof value);
      // What a hit gives, should a teacher be more exact than it says.
      numbers[i] = static_cast<float>(value);
    }
  if (!grows_ || slot >= slots_) return;
  const std::uint64_t sum = checksum(std::span(slot_).subspan(8), crop_sum(image));
  std::memcpy(slot_.data(), &sum, sizeof sum);
  if (detail::write_at(file_.get(), slot_, begin_ + slot * slot_bytes()) == slot_.size()) return;
  grows_ = false;
  if (options_.report)
    options_.report(text(options_.path, ": cannot be written (",
                         std::generic_category().message(errno),
                         "); the cache grows no more, and the teacher computes what it lacks."));
}

ARVIT_DEFINITION void TeacherCache::operator()(const float* images,
                                               std::span<const Counter> pictures, float* all) {
  const auto image = [&](std::size_t i) {
    return images + static_cast<std::int64_t>(i) * options_.image_width;
  };
  const auto numbers = [&](std::size_t i) {
    return all + static_cast<std::int64_t>(i) * options_.width;
  };
  const TeacherFunction& compute = teacher_.codes ? teacher_.codes : teacher_.tokens;
  const auto hit = [&](std::size_t i) {
    return slot_of(pictures[i]) < slots_ && read(slot_of(pictures[i]), image(i), numbers(i));
  };
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (hit(i)) continue;
    std::size_t end = i + 1;  // of a run of pictures without a hit: the teacher takes them at once
    while (end < pictures.size() && !hit(end)) ++end;
    compute(image(i), pictures.subspan(i, end - i), numbers(i));
    computed_ += static_cast<std::int64_t>(end - i);
    for (; i < end; ++i) write(slot_of(pictures[i]), image(i), numbers(i));
  }
}

ARVIT_DEFINITION FrozenTeacher cached(FrozenTeacher teacher, TeacherCacheOptions options,
                                      std::ostream* output) {
  const auto cache = std::make_shared<TeacherCache>(std::move(options), teacher);
  if (output != nullptr) *output << cache->describe() << std::endl;
  TeacherFunction& compute = teacher.codes ? teacher.codes : teacher.tokens;
  compute = [cache](auto&&... all) { (*cache)(all...); };
  return teacher;
}

}  // namespace arvit
