// What this program calls itself.
#pragma once

#include <string_view>

namespace obscura::app {

std::string_view version();
// The git commit it was built from, with "-dirty" if files were changed since; "unknown" outside of
// a git checkout.
std::string_view revision();

}  // namespace obscura::app
