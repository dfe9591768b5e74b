// What the machine of a pickle works on: values, a stack of them, and the memo.
//
// Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace obscura::io {

// kCorrupt: "its pickle …".
Error corrupt_pickle(std::string message);

enum class PickleKind : std::uint8_t {
  kMark,
  kNothing,  // None, numbers with a fraction, bytes: what no tensor's description needs
  kInteger,  // and booleans
  kText,
  kTuple,
  kList,
  kDict,     // items: key, value, key, value, …
  kGlobal,   // a function or class, by name only
  kStorage,  // items: type, key
  kTensor,
};

using PickleRef = std::uint32_t;  // an index into the values

struct PickleValue {
  PickleKind kind = PickleKind::kNothing;
  std::int64_t integer = 0;
  std::string_view text;  // of a text; the module of a global
  std::string_view name;  // of a global
  std::vector<PickleRef> items;
};

// All errors are kCorrupt. A reference that was given out is valid as long as this is.
class PickleValues {
 public:
  const PickleValue& operator[](PickleRef ref) const { return values_[ref]; }
  PickleValue& operator[](PickleRef ref) { return values_[ref]; }

  Status push(PickleValue value);
  // A dictionary's items are as many keys as values.
  Status push_items(PickleKind kind, std::vector<PickleRef> items);
  void push_again(PickleRef ref) { stack_.push_back(ref); }

  Result<PickleRef> top() const;
  Result<PickleRef> pop();
  // The topmost `count`, the lowest first.
  Result<std::vector<PickleRef>> pop_last(std::size_t count);
  // Those above the last mark, which goes too.
  Result<std::vector<PickleRef>> pop_to_mark();

  // Puts the items behind those of the topmost, which is of this kind.
  Status append(PickleKind kind, const std::vector<PickleRef>& items);

  // The topmost, under a number, or under the next one.
  Status memorise(std::size_t place);
  Status memorise_next() { return memorise(memo_.size()); }
  Status recall(std::size_t place);

  // The topmost of this kind; null if there is none.
  const PickleValue* last_of(PickleKind kind) const;

 private:
  std::vector<PickleValue> values_;
  std::vector<PickleRef> stack_;
  std::unordered_map<std::size_t, PickleRef> memo_;
};

}  // namespace obscura::io
