#include "runtime/weight_store.h"

#include <algorithm>

#include "base/files.h"
#include "base/parallel.h"

namespace obscura::runtime {
namespace {

// Elements that a thread widens at a time: whole blocks of any packed type.
constexpr std::int64_t kBlock = 1 << 18;

}  // namespace

const StoredTensor* WeightStore::find_tensor(std::string_view name) const {
  auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const Shape* WeightStore::find(std::string_view name) const {
  const StoredTensor* tensor = find_tensor(name);
  return tensor == nullptr ? nullptr : &tensor->shape;
}

Status WeightStore::read(const ir::WeightSpec& spec, float* target) {
  std::int64_t total = 0;
  for (const std::string& part : spec.parts) {
    const StoredTensor* tensor = find_tensor(part);
    if (tensor == nullptr)
      return Error(ErrorKind::kCorrupt, "the checkpoint has no tensor " + part);
    if (!is_floating(tensor->dtype)) {
      return Error(ErrorKind::kCorrupt, "tensor " + part +
                                            " should hold numbers with a fraction, is " +
                                            std::string(name_of(tensor->dtype)));
    }
    std::int64_t count = tensor->shape.elements();
    OBSCURA_CHECK(total + count <= spec.shape.elements(),
                  "the parts of " + spec.text() + " are larger than the whole");
    auto widen = [&](std::int64_t block) {
      std::int64_t begin = block * kBlock, elements = std::min(kBlock, count - begin);
      float* values = target + total + begin;
      widen_to_f32(tensor->dtype, tensor->bytes.data() + bytes_of(tensor->dtype, begin), values,
                   static_cast<std::size_t>(elements));
      if (tensor->scale == 1) return;
      for (std::int64_t i = 0; i < elements; ++i) values[i] *= tensor->scale;
    };
    // Most tensors are small biases, not worth waking the threads.
    if (count <= kBlock) {
      widen(0);
    } else {
      parallel_for((count + kBlock - 1) / kBlock, widen);
    }
    if (backing_ == Backing::kFile) release_pages(tensor->bytes);
    for (const auto& change : changes_)
      OBSCURA_TRY(change->apply(part, tensor->shape, target + total));
    total += count;
  }
  OBSCURA_CHECK(total == spec.shape.elements(),
                "the parts of " + spec.text() + " are smaller than the whole");
  return {};
}

std::vector<backend::WeightReader::StoredPart> WeightStore::stored(const ir::WeightSpec& spec) {
  std::vector<StoredPart> parts;
  if (!changes_.empty()) return parts;
  for (const std::string& name : spec.parts) {
    const StoredTensor* tensor = find_tensor(name);
    if (tensor == nullptr || !is_floating(tensor->dtype)) return {};
    parts.push_back({tensor->dtype, tensor->bytes});
  }
  return parts;
}

void WeightStore::done_with(std::span<const StoredPart> parts) {
  if (backing_ != Backing::kFile) return;
  for (const StoredPart& part : parts) release_pages(part.bytes);
}

std::shared_ptr<WeightStore> WeightStore::with(std::shared_ptr<const WeightChange> change) const {
  auto changed = std::make_shared<WeightStore>(*this);
  changed->identity_ += "\n+ " + change->identity();
  changed->changes_.push_back(std::move(change));
  return changed;
}

std::size_t WeightStore::stored_bytes() const {
  std::size_t total = 0;
  for (const auto& [name, tensor] : tensors_) total += tensor.bytes.size();
  return total;
}

}  // namespace obscura::runtime
