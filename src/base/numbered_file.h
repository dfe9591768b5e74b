// Names for files that come one after another: `<prefix>_<00001>_.<extension>`, the number after
// the highest there is.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace obscura {

// Whether `name` is that of a file below a folder: not empty, not absolute, without "..", a
// backslash or a zero byte. What links do is not looked at.
bool is_below(std::string_view name);

// Calls `make` with the path of the next number in `folder` until it has made a file there, and
// says which path that was. `make` returns kInvalidInput if there is something already: whoever
// else writes into the folder at the same time may have taken the number. Its other errors are
// returned. Thread safe.
Result<std::filesystem::path> make_numbered_file(
    const std::filesystem::path& folder, const std::string& prefix, const std::string& extension,
    const std::function<Status(const std::filesystem::path&)>& make);

}  // namespace obscura
