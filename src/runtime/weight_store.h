// The weights of one network, as they lie in their file: a table of names over mapped memory.
//
// The file is the truth. Nothing is copied or converted until a device asks for a weight, and the
// pages that were read are then given back, so that the process holds a weight once, in the form
// its kernels want.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "backend/backend.h"
#include "ir/graph.h"
#include "tensor/dtype.h"

namespace obscura::runtime {

// A tensor in memory that the store's owner keeps alive.
struct StoredTensor {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
};

// What the tensors' memory is: pages of a file can be dropped and come back, others cannot.
enum class Backing { kMemory, kFile };

// Filled once, then read-only; reading is thread safe.
class WeightStore final : public backend::WeightReader, public ir::WeightIndex {
 public:
  // `owner` keeps the tensors' memory alive. `identity` must differ wherever the elements do: a
  // file's hash, or its path, size and time, and the network's place in it.
  WeightStore(std::string identity, std::shared_ptr<const void> owner,
              Backing backing = Backing::kMemory)
      : identity_(std::move(identity)), owner_(std::move(owner)), backing_(backing) {}

  void add(std::string name, StoredTensor tensor) { tensors_.emplace(std::move(name), tensor); }

  const StoredTensor* find_tensor(std::string_view name) const;
  const Shape* find(std::string_view name) const override;
  Status read(const ir::WeightSpec& spec, float* target) override;
  const std::string& identity() const override { return identity_; }
  std::size_t stored_bytes() const;

 private:
  std::string identity_;
  std::shared_ptr<const void> owner_;
  Backing backing_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
};

}  // namespace obscura::runtime
