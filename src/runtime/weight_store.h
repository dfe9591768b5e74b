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
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "ir/graph.h"
#include "tensor/dtype.h"

namespace obscura::runtime {

// A tensor in memory that the store's owner keeps alive.
struct StoredTensor {
  DType dtype = DType::kF32;
  Shape shape;
  std::span<const std::byte> bytes;
  float scale = 1;  // each element is to be multiplied by this: float8 weights are stored scaled
};

// What the tensors' memory is: pages of a file can be dropped and come back, others cannot.
enum class Backing { kMemory, kFile };

// What an adapter does to stored tensors on their way to a device. Immutable; thread safe.
class WeightChange {
 public:
  virtual ~WeightChange() = default;
  // Differs wherever the change does.
  virtual const std::string& identity() const = 0;
  // Of what it does to one tensor that it touches: may be alike where other tensors are changed
  // otherwise.
  virtual std::string identity_for(std::string_view name) const {
    static_cast<void>(name);
    return identity();
  }
  // False for tensors that it leaves as they are, bit for bit: what is prepared of them serves on.
  virtual bool touches(std::string_view name) const = 0;
  // Changes the elements of the tensor `name` in place. REQUIRES: touches(name).
  virtual Status apply(std::string_view name, const Shape& shape, float* values) const = 0;
};

// Filled once, then read-only; reading is thread safe.
class WeightStore final : public backend::WeightReader, public ir::WeightIndex {
 public:
  // `owner` keeps the tensors' memory alive. `identity` must differ wherever the elements do: a
  // file's hash, or its path, size and time, and the network's place in it.
  WeightStore(std::string identity, std::shared_ptr<const void> owner,
              Backing backing = Backing::kMemory)
      : file_identity_(identity),
        identity_(std::move(identity)),
        owner_(std::move(owner)),
        backing_(backing) {}

  void add(std::string name, StoredTensor tensor) { tensors_.emplace(std::move(name), tensor); }

  const StoredTensor* find_tensor(std::string_view name) const;
  const Shape* find(std::string_view name) const override;
  const ir::WeightIndex* source(std::string_view name) const override;
  std::vector<std::string> branches() const override { return branches_; }
  const std::map<std::string, StoredTensor, std::less<>>& tensors() const { return tensors_; }
  Status read(const ir::WeightSpec& spec, float* target) override;
  std::vector<StoredPart> stored(const ir::WeightSpec& spec) override;
  Status done_with(std::span<const StoredPart> parts) override;
  // Of one weight: alike in every store that makes the same changes to its parts.
  std::string identity(const ir::WeightSpec& spec) const override;
  // Of all together: differs wherever a tensor does.
  const std::string& identity() const { return identity_; }
  // The same tensors, with `change` made to what is read, after all that is changed already. This
  // store stays as it is: to take a change back is to use the store that one came from.
  std::shared_ptr<WeightStore> with(std::shared_ptr<const WeightChange> change) const;
  // The same tensors, and beside them those of `other` for weights that name it as their source.
  std::shared_ptr<WeightStore> beside(std::string source, std::shared_ptr<WeightStore> other) const;
  // The same, where what is beside is a branch of the network's layers: see nn/branch.h.
  std::shared_ptr<WeightStore> with_branch(std::string source,
                                           std::shared_ptr<WeightStore> branch) const;

 private:
  // The store of the weight's source. REQUIRES: there is one.
  const WeightStore& store_of(const ir::WeightSpec& spec) const;
  Status read_part(const std::string& name, float* target) const;
  bool is_changed(std::string_view name) const;
  // After bytes of the file were read: an error if they may not have been the file's.
  Status let_go(std::span<const std::byte> bytes) const;

  std::string file_identity_, identity_;  // without and with the changes
  std::shared_ptr<const void> owner_;
  Backing backing_;
  std::map<std::string, StoredTensor, std::less<>> tensors_;
  std::vector<std::shared_ptr<const WeightChange>> changes_;  // in the order in which they are made
  std::map<std::string, std::shared_ptr<WeightStore>, std::less<>> sources_;
  std::vector<std::string> branches_;  // names of sources
};

}  // namespace obscura::runtime
