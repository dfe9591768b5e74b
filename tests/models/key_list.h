// The tensor lists of models/keys, and the names and shapes in them as a WeightIndex.
#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/safetensors.h"
#include "ir/graph.h"
#include "test_paths.h"

namespace obscura::models {

// Entries without bytes.
inline std::vector<io::TensorEntry> read_key_list(const std::string& name) {
  std::string path = source_path("models/keys/").string() + name;
  std::ifstream file(path);
  std::vector<io::TensorEntry> entries;
  for (std::string line; std::getline(file, line);) {
    std::istringstream columns(line);
    std::string tensor, dtype, sizes, size;
    std::getline(columns, tensor, '\t');
    std::getline(columns, dtype, '\t');
    std::getline(columns, sizes, '\t');
    std::vector<std::int64_t> shape;
    for (std::istringstream rest(sizes); std::getline(rest, size, ',');) {
      shape.push_back(std::stoll(size));
    }
    entries.push_back({tensor, io::dtype_from_name(dtype).value(), Shape(shape), {}});
  }
  if (entries.empty()) throw std::runtime_error("no tensors in " + path);
  return entries;
}

// What begins with `prefix`, under the rest of its name.
class KeyListWeights final : public ir::WeightIndex {
 public:
  KeyListWeights(const std::vector<io::TensorEntry>& entries, const std::string& prefix) {
    for (const io::TensorEntry& entry : entries) {
      if (entry.name.starts_with(prefix)) {
        shapes_.emplace(entry.name.substr(prefix.size()), entry.shape);
      }
    }
  }
  const Shape* find(std::string_view name) const override {
    auto found = shapes_.find(std::string(name));
    return found == shapes_.end() ? nullptr : &found->second;
  }
  std::unordered_map<std::string, Shape>& shapes() { return shapes_; }

 private:
  std::unordered_map<std::string, Shape> shapes_;
};

}  // namespace obscura::models
