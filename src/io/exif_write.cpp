#include <cstdint>
#include <string>

#include "io/exif.h"
#include "io/exif_tags.h"
#include "io/text_encoding.h"

namespace obscura::io {
namespace {

struct TextTag {
  unsigned tag;
  std::string text;  // with its closing zero
};

std::string little_endian(std::size_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

// A field whose value lies at `place`; one of at most four bytes is itself given there.
std::string field(unsigned tag, unsigned type, std::size_t count, std::size_t place) {
  return little_endian(tag, 2) + little_endian(type, 2) + little_endian(count, 4) +
         little_endian(place, 4);
}

// TIFF's header, the main folder, the EXIF folder, then the values. Fields are in order of tags.
std::string block_of(const std::vector<TextTag>& tags, const std::string& comment) {
  const std::size_t fields = tags.size() + (comment.empty() ? 0 : 1);
  const std::size_t main_folder = 8, exif_folder = main_folder + 2 + 12 * fields + 4;
  std::size_t place = exif_folder + (comment.empty() ? 0 : 2 + 12 + 4);
  std::string head = std::string("II*\0", 4) + little_endian(main_folder, 4);
  std::string values;
  head += little_endian(fields, 2);
  for (auto tag = tags.rbegin(); tag != tags.rend(); ++tag) {
    head += field(tag->tag, kTypeAscii, tag->text.size(), place + values.size());
    values += tag->text;
    if (values.size() % 2 == 1) values += '\0';
  }
  if (!comment.empty()) head += field(kTagExifFolder, kTypeLong, 1, exif_folder);
  head += little_endian(0, 4);
  if (comment.empty()) return head + values;
  head += little_endian(1, 2) +
          field(kTagUserComment, kTypeUndefined, comment.size(), place + values.size()) +
          little_endian(0, 4);
  return head + values + comment;
}

}  // namespace

ExifBlock write_exif(const ImageMetadata& texts, std::size_t limit) {
  constexpr std::size_t kFolders = 8 + 2 * (2 + 12 + 4), kField = 12 + 1;
  ExifBlock block;
  std::vector<TextTag> tags;
  std::string comment;
  std::size_t used = kFolders;
  for (const TextEntry& entry : texts) {
    if (entry.key != "parameters" || !comment.empty()) continue;
    comment = std::string("UNICODE\0", 8) + utf16_from_utf8(entry.text);
    if (used + comment.size() > limit) comment.clear();
    used += comment.size();
  }
  unsigned next = kTagModel - 1;
  for (const TextEntry& entry : texts) {
    if (entry.key == "parameters") {
      if (comment.empty()) block.left_out.push_back(entry.key);
      continue;
    }
    const bool first = entry.key == "prompt" && (tags.empty() || tags.front().tag != kTagModel);
    std::string text = entry.key + ":" + entry.text + '\0';
    const bool fits = entry.text.starts_with('{') && next >= kTagImageWidth &&
                      used + kField + text.size() <= limit;
    if (!fits) {
      block.left_out.push_back(entry.key);
      continue;
    }
    used += kField + text.size();
    // Model comes last among the tags, so first in the list.
    tags.insert(first ? tags.begin() : tags.end(), {first ? kTagModel : next--, std::move(text)});
  }
  if (tags.empty() && comment.empty()) return block;
  const std::string bytes = block_of(tags, comment);
  const auto* begin = reinterpret_cast<const std::byte*>(bytes.data());
  block.bytes.assign(begin, begin + bytes.size());
  return block;
}

}  // namespace obscura::io
