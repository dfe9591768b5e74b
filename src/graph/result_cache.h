// Results of nodes by content key, least recently used out first, within a limit of bytes.
//
// An object that several results share (a model patched twice holds one base) counts once.
//
// Thread safety: none; it belongs to one executor.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/value.h"

namespace obscura::graph {

// What one node gave: a list of values for each output, and what the page should show.
struct NodeOutcome {
  std::vector<ValueList> outputs;
  nlohmann::json ui;
};

class ResultCache {
 public:
  explicit ResultCache(std::size_t limit_bytes) : limit_(limit_bytes) {}

  // Null if it is not there; otherwise it becomes the most recently used.
  std::shared_ptr<const NodeOutcome> find(const std::string& key);
  bool contains(const std::string& key) const { return index_.contains(key); }
  // Makes room first. What is larger than the limit by itself is not kept.
  void insert(const std::string& key, std::shared_ptr<const NodeOutcome> outcome);
  void clear();
  // Drops what no longer fits.
  void set_limit(std::size_t limit_bytes);

  std::size_t bytes() const { return bytes_; }
  std::size_t size() const { return index_.size(); }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<const NodeOutcome> outcome;
  };
  struct Shared {
    std::size_t uses = 0;
    std::size_t bytes = 0;
  };
  // What keeping `outcome` costs now, given what is kept already.
  std::size_t added_bytes(const NodeOutcome& outcome) const;
  void count(const NodeOutcome& outcome);
  void uncount(const NodeOutcome& outcome);
  void drop_oldest();

  std::size_t limit_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> index_;
  std::unordered_map<const void*, Shared> objects_;
};

}  // namespace obscura::graph
