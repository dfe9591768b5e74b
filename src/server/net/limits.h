// How large bodies may be, in bytes.
#pragma once

#include <cstddef>

namespace obscura::server {

// Of a request that needs none, or of who has yet to say who it is: a token, and little else.
inline constexpr std::size_t kMaxBodyOfStrangers = std::size_t{16} << 10;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{16} << 20;
// Of files that come with a request.
inline constexpr std::size_t kMaxUploadBytes = std::size_t{100} << 20;
// Of a model that is imported; it goes to the disk as it comes.
inline constexpr std::size_t kMaxModelBytes = std::size_t{64} << 30;

}  // namespace obscura::server
