// Files: read-only mappings, and writes that are either whole or not there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura {

// A file mapped read-only, for as long as the object lives. Moving keeps the address. Thread safe
// once open. The bytes are the page cache's: a file that another program truncates meanwhile raises
// SIGBUS, as for any mapping.
class MappedFile {
 public:
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

// Tells the kernel that the pages inside `bytes` (part of a file mapping) need not stay in this
// process's memory. Their content is untouched and comes back from the page cache or the file when
// it is next read.
void release_pages(std::span<const std::byte> bytes);

// The whole file as a string; kIo if it is larger than `limit` bytes.
Result<std::string> read_text_file(const std::filesystem::path& path,
                                   std::size_t limit = 256u << 20);

// A file under construction: written beside its final place under a temporary name, which commit()
// renames after flushing to disk. Destroyed without commit(), it leaves nothing behind. Not thread
// safe.
class AtomicFile {
 public:
  // Creates missing parent folders.
  static Result<AtomicFile> create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  // Replaces what was at the final path.
  Status commit();
  // As commit(), but fails with kInvalidInput if something is at the final path already.
  Status commit_new();

  // Where its bytes are until then, for whoever wants to look before they are committed.
  const std::filesystem::path& temporary() const { return temporary_; }

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor);
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// Deletes what AtomicFiles of processes that were killed left in the folder and below; those of
// living processes stay. Links are not followed.
void remove_abandoned_files(const std::filesystem::path& folder);

Status write_file_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace obscura
