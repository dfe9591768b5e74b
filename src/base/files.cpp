#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file_error.h"
#include "base/memory_text.h"
#include "base/open_file.h"

namespace obscura {
namespace {

// Of ours alone, since what is left over is deleted without a question.
constexpr std::string_view kTemporaryMark = ".obscura-tmp-";
constexpr std::size_t kTemporaryRandom = 8;
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz012345";

// A file beside `path` by a name that nothing had; -1 and errno if there can be none. Its mode is
// what the umask leaves of 0666, as any new file's, from its first moment.
int open_temporary(const std::filesystem::path& path, std::filesystem::path& temporary) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::array<unsigned char, kTemporaryRandom> random;
    if (::getentropy(random.data(), random.size()) != 0) return -1;
    std::string name(kTemporaryMark);
    for (const unsigned char byte : random) name += kLetters[byte % kLetters.size()];
    temporary = path.parent_path() / name;
    const int descriptor = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
  return -1;
}

struct Descriptor {
  int number;
  ~Descriptor() { ::close(number); }
};

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit) {
  struct stat info = {};
  OBSCURA_ASSIGN(const int descriptor, open_regular_file(path, info));
  const Descriptor file{descriptor};
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size > limit) {
    return Error(ErrorKind::kIo, path.string() + " is larger than " + memory_text(limit));
  }
  std::string bytes(size, '\0');
  std::size_t had = 0;
  while (had < size) {
    const ssize_t got = ::read(file.number, bytes.data() + had, size - had);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error("cannot read", path);
    if (got == 0) break;  // it was cut meanwhile
    had += static_cast<std::size_t>(got);
  }
  bytes.resize(had);
  return bytes;
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  std::error_code ignored;  // a folder that could not be made shows as the open error below
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ignored);
  std::filesystem::path temporary;
  int descriptor = -1;
  for (bool taken_away = true; taken_away;) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = open_temporary(path, temporary);
    if (descriptor < 0) return file_error("cannot write", path);
    // Held until it has its final name or the process ends, however it ends. Before it was held,
    // remove_abandoned_files() may have taken it for abandoned.
    ::flock(descriptor, LOCK_EX);
    struct stat now = {};
    taken_away = ::fstat(descriptor, &now) == 0 && now.st_nlink == 0;
  }
  return AtomicFile(path, std::move(temporary), descriptor);
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
    if (written < 0) return file_error("cannot write", path_);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text.data(), text.size())));
}

Status AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) return file_error("cannot write", path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return file_error("cannot write", path_);
  temporary_.clear();
  ::close(std::exchange(descriptor_, -1));
  return {};
}

Status AtomicFile::commit_new() {
  if (::fsync(descriptor_) != 0) return file_error("cannot write", path_);
  // link() refuses an existing name, rename() would replace it; the temporary name goes with the
  // object.
  if (::link(temporary_.c_str(), path_.c_str()) != 0) {
    if (errno == EEXIST) return Error(ErrorKind::kInvalidInput, path_.string() + " exists already");
    return file_error("cannot write", path_);
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
    if (!name.starts_with(kTemporaryMark) ||
        name.size() != kTemporaryMark.size() + kTemporaryRandom)
      continue;
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
