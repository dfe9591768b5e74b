#include "runtime/weight_store.h"

#include <algorithm>

#include "base/mapped_file.h"
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

const ir::WeightIndex* WeightStore::source(std::string_view name) const {
  auto found = sources_.find(name);
  return found == sources_.end() ? nullptr : found->second.get();
}

const WeightStore& WeightStore::store_of(const ir::WeightSpec& spec) const {
  if (spec.source.empty()) return *this;
  auto found = sources_.find(spec.source);
  OBSCURA_CHECK(found != sources_.end(), "no weights of " + spec.source + " are at hand");
  return *found->second;
}

bool WeightStore::is_changed(std::string_view name) const {
  return std::any_of(changes_.begin(), changes_.end(),
                     [&](const auto& change) { return change->touches(name); });
}

Status WeightStore::read(const ir::WeightSpec& spec, float* target) {
  const WeightStore& store = store_of(spec);
  std::int64_t total = 0;
  for (const std::string& part : spec.parts) {
    const StoredTensor* tensor = store.find_tensor(part);
    if (tensor == nullptr)
      return Error(ErrorKind::kCorrupt, "the checkpoint has no tensor " + part);
    const std::int64_t count = tensor->shape.elements();
    OBSCURA_CHECK(total + count <= spec.shape.elements(),
                  "the parts of " + spec.text() + " are larger than the whole");
    OBSCURA_TRY(store.read_part(part, target + total));
    total += count;
  }
  OBSCURA_CHECK(total == spec.shape.elements(),
                "the parts of " + spec.text() + " are smaller than the whole");
  return {};
}

Status WeightStore::read_part(const std::string& name, float* target) const {
  const StoredTensor& tensor = *find_tensor(name);
  if (!is_floating(tensor.dtype)) {
    return Error(ErrorKind::kCorrupt, "tensor " + name +
                                          " should hold numbers with a fraction, is " +
                                          std::string(name_of(tensor.dtype)));
  }
  const std::int64_t count = tensor.shape.elements();
  auto widen = [&](std::int64_t block) {
    std::int64_t begin = block * kBlock, elements = std::min(kBlock, count - begin);
    float* values = target + begin;
    widen_to_f32(tensor.dtype, tensor.bytes.data() + bytes_of(tensor.dtype, begin), values,
                 static_cast<std::size_t>(elements));
    if (tensor.scale == 1) return;
    for (std::int64_t i = 0; i < elements; ++i) values[i] *= tensor.scale;
  };
  // Most tensors are small biases, not worth waking the threads.
  if (count <= kBlock) {
    widen(0);
  } else {
    parallel_for((count + kBlock - 1) / kBlock, widen);
  }
  OBSCURA_TRY(let_go(tensor.bytes));
  for (const auto& change : changes_) {
    if (change->touches(name)) OBSCURA_TRY(change->apply(name, tensor.shape, target));
  }
  return {};
}

std::vector<backend::WeightReader::StoredPart> WeightStore::stored(const ir::WeightSpec& spec) {
  const WeightStore& store = store_of(spec);
  std::vector<StoredPart> parts;
  for (const std::string& name : spec.parts) {
    const StoredTensor* tensor = store.find_tensor(name);
    if (tensor == nullptr || !is_floating(tensor->dtype) || tensor->scale != 1 ||
        store.is_changed(name))
      return {};
    parts.push_back({tensor->dtype, tensor->bytes});
  }
  return parts;
}

std::string WeightStore::identity(const ir::WeightSpec& spec) const {
  const WeightStore& store = store_of(spec);
  std::string identity = store.file_identity_;
  for (const std::string& name : spec.parts) {
    identity += "\n" + name;
    for (const auto& change : store.changes_)
      if (change->touches(name)) identity += "\n+ " + change->identity_for(name);
  }
  return identity;
}

Status WeightStore::done_with(std::span<const StoredPart> parts) {
  for (const StoredPart& part : parts) OBSCURA_TRY(let_go(part.bytes));
  return {};
}

Status WeightStore::let_go(std::span<const std::byte> bytes) const {
  if (backing_ != Backing::kFile) return {};
  release_pages(bytes);
  return check_unchanged(bytes);
}

std::shared_ptr<WeightStore> WeightStore::with(std::shared_ptr<const WeightChange> change) const {
  auto changed = std::make_shared<WeightStore>(*this);
  changed->identity_ += "\n+ " + change->identity();
  changed->changes_.push_back(std::move(change));
  return changed;
}

std::shared_ptr<WeightStore> WeightStore::beside(std::string source,
                                                 std::shared_ptr<WeightStore> other) const {
  auto joined = std::make_shared<WeightStore>(*this);
  joined->identity_ += "\n& " + source + ": " + other->identity();
  joined->sources_.insert_or_assign(std::move(source), std::move(other));
  return joined;
}

std::shared_ptr<WeightStore> WeightStore::with_branch(std::string source,
                                                      std::shared_ptr<WeightStore> branch) const {
  auto joined = beside(source, std::move(branch));
  joined->branches_.push_back(std::move(source));
  return joined;
}

}  // namespace obscura::runtime
