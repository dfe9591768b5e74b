#include "io/png_chunks.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/memory_text.h"
#include "io/corrupt.h"
#include "io/text_encoding.h"

namespace obscura::io {
namespace {

constexpr std::size_t kSignatureBytes = 8;

struct Chunk {
  std::string_view type;
  std::string_view body;
  std::size_t offset = 0;  // of the chunk in the file
};

std::uint32_t big_endian(std::string_view bytes) {
  std::uint32_t value = 0;
  for (char c : bytes.substr(0, 4)) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

Status check_sum(const Chunk& chunk, std::uint32_t stored) {
  auto update = [](uLong sum, std::string_view bytes) {
    return ::crc32_z(sum, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  };
  auto computed =
      static_cast<std::uint32_t>(update(update(::crc32_z(0, nullptr, 0), chunk.type), chunk.body));
  if (computed == stored) return {};
  return corrupt(fmt::format("chunk {} at byte {} wants the checksum {:08x}, found {:08x}",
                             chunk.type, chunk.offset, stored, computed));
}

Error text_too_large() {
  return Error(ErrorKind::kUnsupported,
               "its texts are larger than " + memory_text(kMaxPngTextBytes));
}

// Unpacks a zlib stream of at most `limit` bytes.
Result<std::string> unpacked(std::string_view packed, std::size_t limit) {
  z_stream stream{};
  if (::inflateInit(&stream) != Z_OK)
    return Error(ErrorKind::kOutOfMemory, "no memory to unpack a text");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string text;
  std::array<char, 16384> buffer;
  int status = Z_OK;
  while (status == Z_OK && text.size() <= limit) {
    stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
    stream.avail_out = static_cast<uInt>(buffer.size());
    status = ::inflate(&stream, Z_NO_FLUSH);
    text.append(buffer.data(), buffer.size() - stream.avail_out);
  }
  ::inflateEnd(&stream);
  if (text.size() > limit) return text_too_large();
  if (status != Z_STREAM_END) return corrupt("a compressed text is damaged");
  return text;
}

// Cuts the part up to the next zero off `rest`; nothing if there is no zero.
std::optional<std::string_view> take_until_zero(std::string_view& rest) {
  auto zero = rest.find('\0');
  if (zero == std::string_view::npos) return std::nullopt;
  auto part = rest.substr(0, zero);
  rest.remove_prefix(zero + 1);
  return part;
}

// The text of a chunk in UTF-8, at most `limit` bytes before the encoding is changed.
Result<TextEntry> read_text(const Chunk& chunk, std::size_t limit) {
  Error damaged = corrupt(fmt::format("chunk {} at byte {} is damaged", chunk.type, chunk.offset));
  std::string_view rest = chunk.body;
  auto key = take_until_zero(rest);
  if (!key) return damaged;
  bool packed = chunk.type == "zTXt";
  if (chunk.type == "zTXt") {
    if (rest.empty() || rest[0] != 0) return damaged;  // the only method is 0, deflate
    rest.remove_prefix(1);
  } else if (chunk.type == "iTXt") {
    if (rest.size() < 2 || (rest[0] != 0 && (rest[0] != 1 || rest[1] != 0))) return damaged;
    packed = rest[0] == 1;
    rest.remove_prefix(2);
    if (!take_until_zero(rest) || !take_until_zero(rest))
      return damaged;  // language and translated key
  }
  std::string text;
  if (packed) {
    OBSCURA_ASSIGN(text, unpacked(rest, limit));
  } else {
    if (rest.size() > limit) return text_too_large();
    text = rest;
  }
  return TextEntry{utf8_from_latin1(*key),
                   chunk.type == "iTXt" ? utf8_from_unknown(text) : utf8_from_latin1(text)};
}

// The name of a profile is its own business, and one that is damaged no reason to refuse pixels.
ColourProfile read_profile(std::string_view body) {
  auto name = take_until_zero(body);
  if (!name || body.empty() || body[0] != 0) return {};  // the only method is 0, deflate
  auto profile = unpacked(body.substr(1), kMaxProfileBytes);
  if (!profile.ok()) return {};
  auto bytes = std::as_bytes(std::span(*profile));
  return {bytes.begin(), bytes.end()};
}

Status read_ihdr(const Chunk& chunk, PngChunks& chunks) {
  if (chunk.body.size() != 13)
    return corrupt(fmt::format("chunk IHDR wants 13 bytes, found {}", chunk.body.size()));
  chunks.width = big_endian(chunk.body);
  chunks.height = big_endian(chunk.body.substr(4));
  int depth = static_cast<unsigned char>(chunk.body[8]);
  int colour = static_cast<unsigned char>(chunk.body[9]);
  constexpr int kChannels[] = {1, 0, 3, 1, 2, 0, 4};
  int channels = colour < 7 ? kChannels[colour] : 0;
  bool depth_known = depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
  if (channels == 0 || !depth_known) {
    return corrupt(fmt::format("no PNG has colour type {} and {} bits a sample", colour, depth));
  }
  chunks.bits_per_pixel = depth * channels;
  return check_image_size(chunks.width, chunks.height);
}

// Deflate packs at most 258 bytes into two bits. A file that cannot fill its image is refused
// before the image is allocated: a hundred bytes must not cost gigabytes.
Status check_fill(const PngChunks& chunks) {
  constexpr std::uint64_t kBestRatio = 1032;
  std::uint64_t row =
      (std::uint64_t{chunks.width} * static_cast<unsigned>(chunks.bits_per_pixel) + 7) / 8;
  if (chunks.pixel_bytes * kBestRatio >= row * chunks.height) return {};
  return corrupt(fmt::format("{}x{} pixels cannot come from {} bytes", chunks.width, chunks.height,
                             chunks.pixel_bytes));
}

// Sees one chunk; its stored checksum follows it.
Status visit(const Chunk& chunk, std::uint32_t stored_sum, std::size_t& text_bytes,
             PngChunks& chunks) {
  if (chunk.type == "IHDR") {
    OBSCURA_TRY(check_sum(chunk, stored_sum));
    return read_ihdr(chunk, chunks);
  }
  if (chunk.type == "IDAT") {
    chunks.pixel_bytes += chunk.body.size();
  } else if (chunk.type == "acTL" && chunk.body.size() == 8) {
    chunks.frames = big_endian(chunk.body);
  } else if (chunk.type == "eXIf") {
    OBSCURA_TRY(check_sum(chunk, stored_sum));
    chunks.exif = std::as_bytes(std::span(chunk.body));
  } else if (chunk.type == "iCCP") {
    OBSCURA_TRY(check_sum(chunk, stored_sum));
    chunks.profile = read_profile(chunk.body);
  } else if (chunk.type == "tEXt" || chunk.type == "zTXt" || chunk.type == "iTXt") {
    OBSCURA_TRY(check_sum(chunk, stored_sum));
    OBSCURA_ASSIGN(TextEntry entry, read_text(chunk, kMaxPngTextBytes - text_bytes));
    text_bytes += std::min(entry.key.size() + entry.text.size(), kMaxPngTextBytes - text_bytes);
    chunks.texts.push_back(std::move(entry));
  }
  return {};
}

}  // namespace

Result<PngChunks> read_png_chunks(std::span<const std::byte> bytes) {
  if (recognise_image(bytes) != ImageFormat::kPng)
    return corrupt("the file does not start as a PNG does");
  std::string_view file(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  PngChunks chunks;
  std::size_t text_bytes = 0;
  for (std::size_t offset = kSignatureBytes; file.size() - offset >= 12;) {
    std::uint32_t length = big_endian(file.substr(offset));
    if (length > file.size() - offset - 12) {
      return corrupt(
          fmt::format("the file is truncated: a chunk at byte {} wants {} bytes, found {}", offset,
                      length, file.size() - offset - 12));
    }
    Chunk chunk{file.substr(offset + 4, 4), file.substr(offset + 8, length), offset};
    if (offset == kSignatureBytes && chunk.type != "IHDR")
      return corrupt("its first chunk is not IHDR");
    if (chunk.type == "IEND") {
      OBSCURA_TRY(check_fill(chunks));
      return chunks;
    }
    OBSCURA_TRY(visit(chunk, big_endian(file.substr(offset + 8 + length)), text_bytes, chunks));
    offset += std::size_t{12} + length;
  }
  return corrupt(fmt::format("the file is truncated: it ends after {} bytes without an IEND chunk",
                             file.size()));
}

}  // namespace obscura::io
