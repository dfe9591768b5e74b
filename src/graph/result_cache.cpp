#include "graph/result_cache.h"

#include <unordered_set>
#include <utility>

namespace obscura::graph {
namespace {

// Calls visit(value) for every value of an outcome.
template <class Visit>
void for_each_value(const NodeOutcome& outcome, const Visit& visit) {
  for (const ValueList& list : outcome.outputs) {
    for (const Value& value : list) visit(value);
  }
}

// Key, links and page entry of a result, roughly: results without outputs must not pile up for
// ever.
std::size_t overhead(const NodeOutcome& outcome) {
  constexpr std::size_t kEntryBytes = 1024;
  return kEntryBytes + 256 * outcome.ui.size();
}

// The outcome's bytes with each object counted once, except those that `is_kept`.
template <class IsKept>
std::size_t distinct_bytes(const NodeOutcome& outcome, const IsKept& is_kept) {
  std::size_t bytes = overhead(outcome);
  std::unordered_set<const void*> seen;
  for_each_value(outcome, [&](const Value& value) {
    const void* identity = value.identity();
    if (!identity || (!is_kept(identity) && seen.insert(identity).second)) bytes += value.bytes();
  });
  return bytes;
}

std::size_t bytes_alone(const NodeOutcome& outcome) {
  return distinct_bytes(outcome, [](const void*) { return false; });
}

}  // namespace

std::shared_ptr<const NodeOutcome> ResultCache::find(const std::string& key) {
  auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->outcome;
}

void ResultCache::insert(const std::string& key, std::shared_ptr<const NodeOutcome> outcome) {
  if (auto found = index_.find(key); found != index_.end()) {
    uncount(*found->second->outcome);
    entries_.erase(found->second);
    index_.erase(found);
  }
  if (bytes_alone(*outcome) > limit_) return;
  // Dropping an entry that shares objects with this one raises the cost, so it is asked anew each
  // time.
  while (bytes_ + added_bytes(*outcome) > limit_) drop_oldest();
  count(*outcome);
  entries_.push_front({key, std::move(outcome)});
  index_.emplace(key, entries_.begin());
}

void ResultCache::clear() {
  entries_.clear();
  index_.clear();
  objects_.clear();
  bytes_ = 0;
}

void ResultCache::set_limit(std::size_t limit_bytes) {
  limit_ = limit_bytes;
  while (bytes_ > limit_) drop_oldest();
}

std::size_t ResultCache::added_bytes(const NodeOutcome& outcome) const {
  return distinct_bytes(outcome, [&](const void* identity) { return objects_.contains(identity); });
}

void ResultCache::count(const NodeOutcome& outcome) {
  bytes_ += overhead(outcome);
  for_each_value(outcome, [&](const Value& value) {
    if (!value.identity()) {
      bytes_ += value.bytes();
      return;
    }
    Shared& shared = objects_[value.identity()];
    if (shared.uses++ == 0) {
      shared.bytes = value.bytes();
      bytes_ += shared.bytes;
    }
  });
}

void ResultCache::uncount(const NodeOutcome& outcome) {
  bytes_ -= overhead(outcome);
  for_each_value(outcome, [&](const Value& value) {
    if (!value.identity()) {
      bytes_ -= value.bytes();
      return;
    }
    auto found = objects_.find(value.identity());
    if (--found->second.uses > 0) return;
    bytes_ -= found->second.bytes;
    objects_.erase(found);
  });
}

void ResultCache::drop_oldest() {
  uncount(*entries_.back().outcome);
  index_.erase(entries_.back().key);
  entries_.pop_back();
}

}  // namespace obscura::graph
