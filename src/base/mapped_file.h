// Files mapped into memory, read only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace obscura {

// A file mapped read-only, for as long as the object lives. Moving keeps the address. Thread safe
// once open.
//
// The bytes are the page cache's, so another program may change them. A file that is cut, or cannot
// be read, does not end this process: what is not there reads as zeros, and check_unchanged() says
// so. Who reads a mapping asks it before the bytes count; small files are better copied (files.h).
class MappedFile {
 public:
  // kNotFound, kIo; kInvalidInput if it is not a regular file.
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile(std::filesystem::path path, std::span<const std::byte> bytes);
  std::filesystem::path path_;
  std::span<const std::byte> bytes_;
};

// kIo, with the path, if `bytes` are part of a mapping whose file was written or cut since it was
// opened, or of which a page could not be read: they may have been anything. Bytes that are no
// mapping's are unchanged. Thread safe.
Status check_unchanged(std::span<const std::byte> bytes);

// Tells the kernel that the pages inside `bytes` (part of a file mapping) need not stay in this
// process's memory. Their content is untouched and comes back from the page cache or the file when
// it is next read.
void release_pages(std::span<const std::byte> bytes);

}  // namespace obscura
