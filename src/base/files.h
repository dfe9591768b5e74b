// Files: read whole, and writes that are either whole or not there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura {

// A file of the largest image that is read: 16384x16384 pixels of four float32.
inline constexpr std::size_t kMostImageBytes = std::size_t{4} << 30;

// The bytes of the whole file, as it was while it was read. kNotFound; kInvalidInput if it is not a
// regular file; kIo if it is larger than `limit` bytes.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 256u << 20);

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
