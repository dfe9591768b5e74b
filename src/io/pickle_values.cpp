#include "io/pickle_values.h"

#include <algorithm>
#include <utility>

namespace obscura::io {
namespace {

Error empty_pickle_stack() {
  return corrupt_pickle("takes from an empty stack");
}

bool lacks_a_value(PickleKind kind, const std::vector<PickleRef>& items) {
  return kind == PickleKind::kDict && items.size() % 2 != 0;
}

}  // namespace

Error corrupt_pickle(std::string message) {
  return Error(ErrorKind::kCorrupt, "its pickle " + std::move(message));
}

Status PickleValues::push(PickleValue value) {
  constexpr std::size_t kMostValues = std::size_t{4} << 20;
  if (values_.size() == kMostValues) return corrupt_pickle("has too many values");
  stack_.push_back(static_cast<PickleRef>(values_.size()));
  values_.push_back(std::move(value));
  return {};
}

Status PickleValues::push_items(PickleKind kind, std::vector<PickleRef> items) {
  if (lacks_a_value(kind, items)) return corrupt_pickle("has a key without a value");
  PickleValue value;
  value.kind = kind;
  value.items = std::move(items);
  return push(std::move(value));
}

Result<PickleRef> PickleValues::top() const {
  if (stack_.empty()) return empty_pickle_stack();
  return stack_.back();
}

Result<PickleRef> PickleValues::pop() {
  OBSCURA_ASSIGN(const PickleRef last, top());
  stack_.pop_back();
  return last;
}

Result<std::vector<PickleRef>> PickleValues::pop_last(std::size_t count) {
  if (stack_.size() < count) return empty_pickle_stack();
  std::vector<PickleRef> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return items;
}

Result<std::vector<PickleRef>> PickleValues::pop_to_mark() {
  auto mark = std::find_if(stack_.rbegin(), stack_.rend(),
                           [&](PickleRef ref) { return values_[ref].kind == PickleKind::kMark; });
  if (mark == stack_.rend()) return corrupt_pickle("looks for a mark that is not there");
  std::vector<PickleRef> items(mark.base(), stack_.end());
  stack_.erase(mark.base() - 1, stack_.end());
  return items;
}

Status PickleValues::append(PickleKind kind, const std::vector<PickleRef>& items) {
  OBSCURA_ASSIGN(const PickleRef last, top());
  PickleValue& target = values_[last];
  // What became of a call without effect takes anything.
  if (target.kind == PickleKind::kNothing) return {};
  if (target.kind != kind || lacks_a_value(kind, items))
    return corrupt_pickle("adds to something that does not take it");
  target.items.insert(target.items.end(), items.begin(), items.end());
  return {};
}

Status PickleValues::memorise(std::size_t place) {
  OBSCURA_ASSIGN(memo_[place], top());
  return {};
}

Status PickleValues::recall(std::size_t place) {
  auto found = memo_.find(place);
  if (found == memo_.end()) return corrupt_pickle("recalls what it did not store");
  stack_.push_back(found->second);
  return {};
}

const PickleValue* PickleValues::last_of(PickleKind kind) const {
  auto found = std::find_if(stack_.rbegin(), stack_.rend(),
                            [&](PickleRef ref) { return values_[ref].kind == kind; });
  return found == stack_.rend() ? nullptr : &values_[*found];
}

}  // namespace obscura::io
