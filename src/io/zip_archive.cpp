#include "io/zip_archive.h"

#include <fmt/format.h>
#include <minizip/unzip.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "io/corrupt.h"

namespace obscura::io {
namespace {

// The archive as the stream that minizip reads.
struct Stream {
  std::span<const std::byte> bytes;
  std::size_t position = 0;
};

void* open_stream(void* opaque, const void*, int) {
  return opaque;
}

uLong read_stream(void*, void* stream, void* target, uLong size) {
  auto& s = *static_cast<Stream*>(stream);
  std::size_t count = std::min<std::size_t>(size, s.bytes.size() - s.position);
  if (count > 0) std::memcpy(target, s.bytes.data() + s.position, count);
  s.position += count;
  return count;
}

uLong write_nothing(void*, void*, const void*, uLong) {
  return 0;
}

ZPOS64_T tell_stream(void*, void* stream) {
  return static_cast<Stream*>(stream)->position;
}

long seek_stream(void*, void* stream, ZPOS64_T offset, int origin) {
  auto& s = *static_cast<Stream*>(stream);
  ZPOS64_T begin = origin == ZLIB_FILEFUNC_SEEK_CUR   ? s.position
                   : origin == ZLIB_FILEFUNC_SEEK_END ? s.bytes.size()
                                                      : 0;
  ZPOS64_T target = begin + offset;  // wraps where a backward step is meant
  if (target > s.bytes.size()) return -1;
  s.position = static_cast<std::size_t>(target);
  return 0;
}

int close_stream(void*, void*) {
  return 0;
}

int no_stream_error(void*, void*) {
  return 0;
}

struct CloseArchive {
  void operator()(void* archive) const { unzClose(archive); }
};

// Where the current member's bytes begin.
Result<std::size_t> find_bytes(unzFile archive, const std::string& name) {
  int method = 0, level = 0;
  if (unzOpenCurrentFile2(archive, &method, &level, /*raw=*/1) != UNZ_OK)
    return corrupt("zip member " + name + " does not begin as the directory says");
  auto position = static_cast<std::size_t>(unzGetCurrentFileZStreamPos64(archive));
  unzCloseCurrentFile(archive);
  return position;
}

Result<ZipMember> read_member(unzFile archive, std::span<const std::byte> bytes) {
  constexpr std::size_t kLongestName = 4096;
  unz_file_info64 info{};
  std::string name(kLongestName, '\0');
  if (unzGetCurrentFileInfo64(archive, &info, name.data(), kLongestName, nullptr, 0, nullptr, 0) !=
          UNZ_OK ||
      info.size_filename >= kLongestName)
    return corrupt("an entry of the zip directory is damaged");
  ZipMember member;
  member.name = name.substr(0, info.size_filename);
  constexpr uLong kEncrypted = 1;
  member.stored = info.compression_method == 0 && (info.flag & kEncrypted) == 0;
  if (!member.stored) return member;
  OBSCURA_ASSIGN(std::size_t begin, find_bytes(archive, member.name));
  if (info.compressed_size != info.uncompressed_size || begin > bytes.size() ||
      info.compressed_size > bytes.size() - begin) {
    return corrupt(fmt::format("zip member {} wants {} bytes at {}, the file has {}", member.name,
                               info.compressed_size, begin, bytes.size()));
  }
  member.bytes = bytes.subspan(begin, static_cast<std::size_t>(info.compressed_size));
  return member;
}

}  // namespace

Result<std::vector<ZipMember>> read_zip(std::span<const std::byte> bytes) {
  Stream stream{bytes};
  zlib_filefunc64_def functions{open_stream, read_stream,  write_nothing,   tell_stream,
                                seek_stream, close_stream, no_stream_error, &stream};
  std::unique_ptr<void, CloseArchive> archive(unzOpen2_64("archive", &functions));
  if (archive == nullptr) return corrupt("not a zip file: it has no directory at its end");
  std::vector<ZipMember> members;
  constexpr std::size_t kMostMembers = std::size_t{1} << 20;
  int status = unzGoToFirstFile(archive.get());
  for (; status == UNZ_OK; status = unzGoToNextFile(archive.get())) {
    if (members.size() == kMostMembers) return corrupt("the zip directory has no end");
    OBSCURA_ASSIGN(ZipMember member, read_member(archive.get(), bytes));
    members.push_back(std::move(member));
  }
  if (status != UNZ_END_OF_LIST_OF_FILE) return corrupt("the zip directory is damaged");
  return members;
}

}  // namespace obscura::io
