// Wildcards: __name__ in a prompt becomes a line of a file of that name.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace obscura::prompt {

// The lines of a wildcard's file: those that are empty or begin with # are left out.
std::vector<std::string> wildcard_lines(std::string_view file);

struct WildcardSource {
  // What may take the place of a wildcard: one line at least, or an error.
  std::function<Result<std::vector<std::string>>(const std::string& name)> lines;
  // Which of `count` lines does.
  std::function<std::size_t(std::size_t count)> choose;
};

// Lines may hold wildcards themselves. kInvalidInput if there is no end to it.
Result<std::string> with_wildcards(std::string text, const WildcardSource& source);

}  // namespace obscura::prompt
