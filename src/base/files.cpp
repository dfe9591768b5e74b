#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/memory_text.h"

namespace obscura {
namespace {

constexpr std::string_view kTemporaryMark = ".tmp-";
constexpr std::size_t kTemporaryRandom = 6;  // letters that mkostemp makes up

Error system_error(const std::string& what, const std::filesystem::path& path) {
  ErrorKind kind = errno == ENOENT                      ? ErrorKind::kNotFound
                   : errno == ENOSPC || errno == EDQUOT ? ErrorKind::kDiskFull
                                                        : ErrorKind::kIo;
  return Error(kind, what + " " + path.string() + ": " + std::strerror(errno));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return system_error("cannot open", path);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor);
    return Error(ErrorKind::kInvalidInput, path.string() + " is not a regular file");
  }
  auto size = static_cast<std::size_t>(info.st_size);
  const std::byte* data = nullptr;
  if (size > 0) {
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
      Error error = system_error("cannot map", path);
      ::close(descriptor);
      return error;
    }
    data = static_cast<const std::byte*>(address);
  }
  ::close(descriptor);
  return MappedFile(path, {data, size});
}

MappedFile::MappedFile(std::filesystem::path path, std::span<const std::byte> bytes)
    : path_(std::move(path)), bytes_(bytes) {}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void release_pages(std::span<const std::byte> bytes) {
  const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  // Only whole pages inside the range: its ends may share a page with a neighbour that is in use.
  std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(bytes.data()) + page - 1) / page * page;
  std::uintptr_t end = reinterpret_cast<std::uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t limit) {
  OBSCURA_ASSIGN(MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > limit) {
    return Error(ErrorKind::kIo, path.string() + " is larger than " + memory_text(limit));
  }
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  std::error_code ignored;  // a folder that could not be made shows as the open error below
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  const std::string pattern = path.string().append(kTemporaryMark).append(kTemporaryRandom, 'X');
  std::string temporary;
  int descriptor = -1;
  for (bool taken_away = true; taken_away;) {
    if (descriptor >= 0) ::close(descriptor);
    temporary = pattern;
    descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
    if (descriptor < 0) return system_error("cannot write", path);
    // Held until it has its final name or the process ends, however it ends. Before it was held,
    // remove_abandoned_files() may have taken it for abandoned.
    ::flock(descriptor, LOCK_EX);
    struct stat now {};
    taken_away = ::fstat(descriptor, &now) == 0 && now.st_nlink == 0;
  }
  // mkostemp makes the file private; an image should be as readable as any other new file.
  mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor, 0666 & ~mask);
  return AtomicFile(path, temporary, descriptor);
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot write", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text.data(), text.size())));
}

Status AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) return system_error("cannot write", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return system_error("cannot write", path_);
  temporary_.clear();
  ::close(std::exchange(descriptor_, -1));
  return {};
}

Status AtomicFile::commit_new() {
  if (::fsync(descriptor_) != 0) return system_error("cannot write", path_);
  // link() refuses an existing name, rename() would replace it; the temporary name goes with the
  // object.
  if (::link(temporary_.c_str(), path_.c_str()) != 0) {
    if (errno == EEXIST) return Error(ErrorKind::kInvalidInput, path_.string() + " exists already");
    return system_error("cannot write", path_);
  }
  return {};
}

void remove_abandoned_files(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  constexpr auto kOptions = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator at(folder, kOptions, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename().string();
    const std::size_t mark = name.rfind(kTemporaryMark);
    if (mark == std::string::npos ||
        name.size() != mark + kTemporaryMark.size() + kTemporaryRandom) {
      continue;
    }
    const int descriptor = ::open(at->path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(at->path().c_str());
    ::close(descriptor);
  }
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  OBSCURA_ASSIGN(AtomicFile file, AtomicFile::create(path));
  OBSCURA_TRY(file.write(content));
  return file.commit();
}

}  // namespace obscura
