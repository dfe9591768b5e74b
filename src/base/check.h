// Checks for what only a bug of ours can break. A failed check throws InternalError: tests see it
// as a failure, and a running job ends with a message instead of taking the program down. It is
// thrown by nothing else, and caught only at the boundary of a job (and in main).
#pragma once

#include <stdexcept>
#include <string>

namespace obscura {

class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_check(const char* condition, const char* file, int line,
                             const std::string& message);

}  // namespace obscura

// The message is evaluated only when the check fails.
#define OBSCURA_CHECK(condition, message)                                             \
  do {                                                                                \
    if (!(condition)) ::obscura::fail_check(#condition, __FILE__, __LINE__, message); \
  } while (false)
