// Reads little-endian numbers and texts from the front of a span, never past its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura::io {

class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  // kCorrupt if fewer than `count` bytes are left.
  Result<std::span<const std::byte>> take(std::uint64_t count) {
    if (count > left()) {
      return Error(ErrorKind::kCorrupt, "the file ends at byte " + std::to_string(bytes_.size()) +
                                            ", " + std::to_string(count) +
                                            " bytes are wanted from byte " +
                                            std::to_string(position_));
    }
    auto taken = bytes_.subspan(position_, static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
  }
  // Any integer or floating-point type.
  template <class T>
  Result<T> number() {
    OBSCURA_ASSIGN(auto taken, take(sizeof(T)));
    T value;
    std::memcpy(&value, taken.data(), sizeof(T));
    return value;
  }
  // A length of type `Length`, then as many bytes. They stay where they are.
  template <class Length>
  Result<std::string_view> text() {
    OBSCURA_ASSIGN(Length length, number<Length>());
    OBSCURA_ASSIGN(auto taken, take(length));
    return std::string_view(reinterpret_cast<const char*>(taken.data()), taken.size());
  }
  // Up to and without the next newline, which is taken too.
  Result<std::string_view> line() {
    auto rest = bytes_.subspan(position_);
    std::string_view all(reinterpret_cast<const char*>(rest.data()), rest.size());
    std::size_t end = all.find('\n');
    if (end == std::string_view::npos)
      return Error(ErrorKind::kCorrupt,
                   "a line that begins at byte " + std::to_string(position_) + " has no end");
    position_ += end + 1;
    return all.substr(0, end);
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t position_ = 0;
};

}  // namespace obscura::io
