#include "base/open_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/file_error.h"

namespace obscura {

Result<int> open_regular_file(const std::filesystem::path& path, struct stat& info) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return file_error("cannot open", path);
  if (::fstat(descriptor, &info) == 0 && S_ISREG(info.st_mode)) return descriptor;
  ::close(descriptor);
  return Error(ErrorKind::kInvalidInput, path.string() + " is not a regular file");
}

}  // namespace obscura
