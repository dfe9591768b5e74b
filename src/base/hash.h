// Digests: SHA-256 for what others publish (model files), XXH3 for cache keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura {

// A running SHA-256. Not thread safe; movable.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  // Lower-case hex of everything given so far. Call once.
  std::string hex_digest();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);
// Reads the file once, about 1 GB/s.
Result<std::string> sha256_hex_of_file(const std::filesystem::path& path);

// 128-bit XXH3 of `text` as 32 hex digits. Not for hostile collisions: keys of caches only.
std::string cache_key(std::string_view text);

}  // namespace obscura
