#include "base/check.h"

namespace obscura {

void fail_check(const char* condition, const char* file, int line, const std::string& message) {
  std::string text = "internal error: " + message + " [" + condition + " at " + file + ":" +
                     std::to_string(line) + "]";
  throw InternalError(text);
}

}  // namespace obscura
