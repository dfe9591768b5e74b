#include "base/numbered_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace obscura {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kLastNumber = 9'999'999'999;
constexpr int kMostCollisions = 1000;

// The number in `<prefix>_<digits>_…`, or 0.
std::int64_t number_in(std::string_view file, std::string_view prefix) {
  if (!file.starts_with(prefix) || file.size() <= prefix.size() || file[prefix.size()] != '_') {
    return 0;
  }
  const std::string_view rest = file.substr(prefix.size() + 1);
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  const bool whole = error == std::errc() && end != rest.data() + rest.size() && *end == '_';
  return whole && number > 0 && number < kLastNumber ? number : 0;
}

std::int64_t highest_number(const fs::path& folder, const std::string& prefix) {
  std::int64_t highest = 0;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    highest = std::max(highest, number_in(at->path().filename().string(), prefix));
  return highest;
}

}  // namespace

bool is_below(std::string_view name) {
  const fs::path relative(name);
  return !name.empty() && name.find('\0') == std::string_view::npos && !relative.is_absolute() &&
         name.find('\\') == std::string_view::npos &&
         std::find(relative.begin(), relative.end(), "..") == relative.end();
}

Result<fs::path> make_numbered_file(const fs::path& folder, const std::string& prefix,
                                    const std::string& extension,
                                    const std::function<Status(const fs::path&)>& make) {
  std::int64_t number = highest_number(folder, prefix);
  for (int i = 0;; ++i) {
    fs::path path = folder / fmt::format("{}_{:05}_.{}", prefix, ++number, extension);
    const Status made = make(path);
    if (made.ok()) return path;
    std::error_code error;
    const bool taken = made.error().kind() == ErrorKind::kInvalidInput && fs::exists(path, error);
    if (!taken || i >= kMostCollisions) return made.error();
  }
}

}  // namespace obscura
