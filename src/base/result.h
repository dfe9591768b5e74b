// Result<T>: the value of a call that input, a file, a device or the user can make fail, or the
// reason why.
//
// Two kinds of error are never mixed. What the outside world can cause is *returned* as a Result;
// what only a bug of ours can cause is an OBSCURA_CHECK (base/check.h). Messages name the place and
// both sides:
// `[conv2d] weight wants 320 input channels, got 4`.
//
// Thread safety: a Result is a plain value.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace obscura {

enum class ErrorKind {
  kInvalidInput,  // the call, the workflow or a parameter is wrong: exit status 2
  kNotFound,      // a named file, model, node or tensor does not exist
  kCorrupt,       // a file is damaged or hostile
  kUnsupported,   // understood, but not something Obscura can do
  kOutOfMemory,   // does not fit the budget; the message says how many bytes are lacking
  kIo,            // the operating system refused (permission, a broken disk)
  kDiskFull,      // no room is left where a file has to go
  kCancelled,     // the user stopped the job
  kDeviceLost,    // the GPU or its driver failed for good; what ran on it is gone, others go on
  kNumeric,       // a NaN or an infinity appeared; the message names the op
  kInternal,      // a bug of ours that was caught at a job boundary
};

class Error {
 public:
  Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }

  // The same error with `context` and ": " put before the message.
  Error in(const std::string& context) const { return Error(kind_, context + ": " + message_); }

 private:
  ErrorKind kind_;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit by design
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & {
    OBSCURA_CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  const T& value() const& {
    OBSCURA_CHECK(ok(), error_text());
    return std::get<0>(state_);
  }
  T&& value() && {
    OBSCURA_CHECK(ok(), error_text());
    return std::get<0>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  const Error& error() const {
    OBSCURA_CHECK(!ok(), "error() of a Result that holds a value");
    return std::get<1>(state_);
  }

 private:
  std::string error_text() const {
    return ok() ? std::string() : "value() of a failed Result: " + std::get<1>(state_).message();
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    OBSCURA_CHECK(!ok(), "error() of a Status that is ok");
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

// The Result of a call that returns nothing.
using Status = Result<void>;

}  // namespace obscura

#define OBSCURA_CONCAT_INNER(a, b) a##b
#define OBSCURA_CONCAT(a, b) OBSCURA_CONCAT_INNER(a, b)

// Returns the error of `expression` (a Status or Result) from the enclosing function, if it has
// one.
#define OBSCURA_TRY(expression)                                \
  do {                                                         \
    auto&& obscura_status_ = (expression);                     \
    if (!obscura_status_.ok()) return obscura_status_.error(); \
  } while (false)

// `OBSCURA_ASSIGN(auto file, open(path));` declares `file`, or returns open's error.
#define OBSCURA_ASSIGN(declaration, expression) \
  OBSCURA_ASSIGN_INNER(OBSCURA_CONCAT(obscura_result_, __LINE__), declaration, expression)
#define OBSCURA_ASSIGN_INNER(result, declaration, expression) \
  auto result = (expression);                                 \
  if (!result.ok()) return result.error();                    \
  declaration = std::move(result).value()
