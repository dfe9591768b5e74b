#include "server/api/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>
#include <system_error>

#include "base/mapped_file.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;

struct FreeArchive {
  void operator()(archive* writer) const { archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { archive_entry_free(entry); }
};

class TarWriter {
 public:
  explicit TarWriter(const fs::path& target) : writer_(archive_write_new()), target_(target) {}

  Status open() {
    archive_write_set_format_pax_restricted(writer_.get());
    // Names are bytes: they need be no text, and this process's locale has no say.
    archive_write_set_options(writer_.get(), "hdrcharset=BINARY");
    return check(archive_write_open_filename(writer_.get(), target_.c_str()));
  }
  Status add(const std::string& name, std::string_view content, std::time_t time) {
    std::unique_ptr<archive_entry, FreeEntry> entry(archive_entry_new());
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), 0600);
    archive_entry_set_mtime(entry.get(), time, 0);
    OBSCURA_TRY(check(archive_write_header(writer_.get(), entry.get())));
    while (!content.empty()) {
      const la_ssize_t written = archive_write_data(writer_.get(), content.data(), content.size());
      if (written <= 0) return check(ARCHIVE_FATAL);
      content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }
  Status close() { return check(archive_write_close(writer_.get())); }

 private:
  Status check(int code) {
    if (code >= ARCHIVE_WARN) return {};
    const char* text = archive_error_string(writer_.get());
    return Error(ErrorKind::kIo,
                 fmt::format("{}: {}", target_.string(), text == nullptr ? "cannot write" : text));
  }
  std::unique_ptr<archive, FreeArchive> writer_;
  fs::path target_;
};

Status add_folder(TarWriter& tar, const fs::path& folder, const std::string& prefix,
                  const std::vector<std::string>& skipped) {
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().lexically_relative(folder).generic_string();
    if (at.depth() == 0 && std::find(skipped.begin(), skipped.end(), name) != skipped.end()) {
      at.disable_recursion_pending();
      continue;
    }
    // A job may finish meanwhile: its temporary files are gone between the listing and the reading.
    std::error_code gone;
    if (at->is_symlink(gone) || !at->is_regular_file(gone)) continue;
    auto file = MappedFile::open(at->path());
    if (!file.ok() && file.error().kind() == ErrorKind::kNotFound) continue;
    if (!file.ok()) return file.error();
    const auto bytes = file->bytes();
    OBSCURA_TRY(tar.add(prefix + "/" + name,
                        {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                        std::time(nullptr)));
    OBSCURA_TRY(check_unchanged(bytes));
  }
  if (error) return Error(ErrorKind::kIo, fmt::format("{}: {}", folder.string(), error.message()));
  return {};
}

}  // namespace

Status write_tar(const fs::path& target, const fs::path& folder, const std::string& prefix,
                 const std::vector<std::string>& skipped,
                 const std::vector<std::pair<std::string, std::string>>& texts) {
  auto write = [&]() -> Status {
    TarWriter tar(target);
    OBSCURA_TRY(tar.open());
    for (const auto& [name, text] : texts)
      OBSCURA_TRY(tar.add(prefix + "/" + name, text, std::time(nullptr)));
    OBSCURA_TRY(add_folder(tar, folder, prefix, skipped));
    return tar.close();
  };
  Status written = write();
  std::error_code ignored;
  if (!written.ok()) fs::remove(target, ignored);
  return written;
}

}  // namespace obscura::server
