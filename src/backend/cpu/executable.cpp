#include "backend/cpu/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>

namespace obscura::backend::cpu {
namespace {

bool all_finite(const float* values, std::int64_t count) {
  // x * 0 is 0 for finite x and NaN otherwise: one pass without a branch.
  float probe = 0;
  for (std::int64_t i = 0; i < count; ++i) probe += values[i] * 0.0f;
  return probe == 0;
}

}  // namespace

void SharedMemory::release_arena() {
  arena_ = Memory();
  arena_user = nullptr;
}

Result<std::byte*> SharedMemory::arena(std::size_t bytes) {
  if (arena_.bytes() < bytes) {
    release_arena();  // freed first: both at once need not fit
    OBSCURA_ASSIGN(arena_, Memory::allocate(bytes));
  }
  return arena_.data();
}

std::shared_ptr<Memory> SharedMemory::find(const std::string& key) const {
  auto entry = weights_.find(key);
  return entry == weights_.end() ? nullptr : entry->second.lock();
}

std::size_t SharedMemory::weight_bytes() const {
  std::size_t total = 0;
  for (const auto& [key, weight] : weights_) {
    if (auto alive = weight.lock()) total += alive->bytes();
  }
  return total;
}

Result<std::unique_ptr<Executable>> CpuExecutable::create(ir::Graph graph,
                                                          std::shared_ptr<SharedMemory> shared,
                                                          Precision precision) {
  std::unique_ptr<CpuExecutable> executable(new CpuExecutable(std::move(graph), std::move(shared)));
  OBSCURA_TRY(executable->find_kernels(precision));
  return std::unique_ptr<Executable>(std::move(executable));
}

Status CpuExecutable::find_kernels(Precision precision) {
  for (const ir::Node& node : graph_.nodes) {
    if (node.op->is_view()) {
      kernels_.push_back(nullptr);
      needs_.emplace_back();
      continue;
    }
    std::vector<ir::ValueType> types, results;
    for (ir::ValueId id : node.inputs) types.push_back(graph_.type(id));
    for (ir::ValueId id : node.outputs) results.push_back(graph_.type(id));
    KernelRequest request{*node.op, types, results[0], results, precision};
    auto kernel = kernel_for(request);
    if (!kernel.ok()) return kernel.error().in(node.scope);
    if (!plan::can_prepare_weights((*kernel)->needs(), graph_, node))
      kernel = plain_definition(request);
    plan::NodeNeeds needs = plan::with_plain_weights((*kernel)->needs(), graph_, node);
    kernels_.push_back(std::move(*kernel));
    needs_.push_back(std::move(needs));
  }
  return {};
}

Status CpuExecutable::load(plan::Plan plan, WeightReader& weights) {
  unload();
  plan_ = std::move(plan);
  reader_ = &weights;
  resident_.assign(plan_.weights.size(), nullptr);
  // The arena is shared: this makes sure that it can be had before weights are prepared in vain.
  OBSCURA_ASSIGN(arena_, shared_->arena(plan_.arena_bytes));
  loaded_ = true;
  for (std::size_t i = 0; i < plan_.weights.size(); ++i) {
    if (!plan_.weights[i].resident) continue;
    Status status = load_resident(i);
    if (!status.ok()) {
      unload();
      return status;
    }
  }
  Status status = load_parameters();
  if (!status.ok()) unload();
  return status;
}

Status CpuExecutable::load_parameters() {
  if (plan_.parameter_bytes == 0) return {};
  OBSCURA_ASSIGN(Memory memory, Memory::allocate(plan_.parameter_bytes));
  parameters_ = std::make_shared<Memory>(std::move(memory));
  shared_->remember(fmt::format("parameters of {}", fmt::ptr(this)), parameters_);
  for (ir::ValueId id : graph_.parameters)
    parked_.read(graph_.value(id).name, {address(id), graph_.type(id).bytes()});
  parked_.clear();
  return {};
}

Status CpuExecutable::write_parameter(std::string_view name, std::span<const std::byte> bytes) {
  const ir::ValueId id = find_parameter(graph_, name, bytes.size());
  if (parameters_ == nullptr) {
    parked_.write(name, bytes);
  } else {
    std::memcpy(address(id), bytes.data(), bytes.size());
  }
  return {};
}

Status CpuExecutable::read_parameter(std::string_view name, std::span<std::byte> bytes) {
  const ir::ValueId id = find_parameter(graph_, name, bytes.size());
  if (parameters_ == nullptr) {
    parked_.read(name, bytes);
  } else {
    std::memcpy(bytes.data(), address(id), bytes.size());
  }
  return {};
}

void CpuExecutable::unload() {
  for (ir::ValueId id : graph_.parameters) {
    if (parameters_ != nullptr)
      parked_.write(graph_.value(id).name, {address(id), graph_.type(id).bytes()});
  }
  parameters_ = nullptr;
  if (shared_->arena_user == this) shared_->arena_user = nullptr;
  resident_.clear();
  reader_ = nullptr;
  loaded_ = false;
}

std::string CpuExecutable::weight_key(const plan::PlannedWeight& weight,
                                      const WeightReader& weights) const {
  const ir::WeightSpec& spec = *graph_.value(weight.value).weight;
  return weights.identity(spec) + '\n' + spec.shape.text() + '\n' + weight.form;
}

std::size_t CpuExecutable::missing_weight_bytes(const plan::Plan& plan,
                                                const WeightReader& weights) const {
  std::size_t missing = 0;
  for (const plan::PlannedWeight& weight : plan.weights) {
    if (weight.resident && shared_->find(weight_key(weight, weights)) == nullptr)
      missing += weight.bytes;
  }
  return missing;
}

Status CpuExecutable::load_resident(std::size_t index) {
  const plan::PlannedWeight& weight = plan_.weights[index];
  const ir::WeightSpec& spec = *graph_.value(weight.value).weight;
  std::string key = weight_key(weight, *reader_);
  if ((resident_[index] = shared_->find(key)) != nullptr) return {};
  OBSCURA_ASSIGN(Memory memory, Memory::allocate(weight.bytes));
  // Any node that reads the weight in this form knows how to prepare it.
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const auto& indices = plan_.nodes[n].weights;
    auto found = std::find(indices.begin(), indices.end(), index);
    if (found == indices.end()) continue;
    const plan::WeightNeed& need =
        needs_[n].weights[static_cast<std::size_t>(found - indices.begin())];
    // Nothing runs while weights are loaded, so the arena is free for the plain copy.
    shared_->arena_user = nullptr;
    Memory staging;
    std::byte* plain_bytes = memory.data();
    if (need.staging_bytes > 0) {
      plain_bytes = arena_;
      if (need.staging_bytes > plan_.arena_bytes) {
        OBSCURA_ASSIGN(staging, Memory::allocate(need.staging_bytes));
        plain_bytes = staging.data();
      }
    }
    auto* plain = reinterpret_cast<float*>(plain_bytes);
    Status status = reader_->read(spec, plain);
    if (!status.ok()) return status.error().in(graph_.name);
    if (need.form != "plain") kernels_[n]->prepare(need.operand, plain, memory.data());
    break;
  }
  resident_[index] = std::make_shared<Memory>(std::move(memory));
  shared_->remember(key, resident_[index]);
  return {};
}

Status CpuExecutable::bind(std::span<const InputBinding> inputs,
                           std::span<const OutputBinding> outputs) {
  OBSCURA_ASSIGN(arena_, shared_->arena(plan_.arena_bytes));
  inputs_.clear();
  outputs_.clear();
  for (ir::ValueId id : graph_.inputs) {
    const ir::Value& value = graph_.value(id);
    auto binding = std::find_if(inputs.begin(), inputs.end(),
                                [&](const auto& b) { return b.name == value.name; });
    OBSCURA_CHECK(binding != inputs.end(), graph_.name + ": input " + value.name + " is not bound");
    OBSCURA_CHECK(binding->bytes.size() == value.type.bytes(),
                  graph_.name + ": input " + value.name + " has another size");
    inputs_.push_back(binding->bytes.data());
  }
  for (const ir::Output& out : graph_.outputs) {
    auto binding = std::find_if(outputs.begin(), outputs.end(),
                                [&](const auto& b) { return b.name == out.name; });
    OBSCURA_CHECK(binding != outputs.end(), graph_.name + ": output " + out.name + " is not bound");
    OBSCURA_CHECK(binding->bytes.size() == graph_.type(out.value).bytes(),
                  graph_.name + ": output " + out.name + " has another size");
    outputs_.push_back(binding->bytes.data());
  }
  return {};
}

std::size_t CpuExecutable::first_node() {
  bool same = shared_->arena_user == this;
  std::vector<std::vector<std::byte>> found;
  for (std::size_t i = 0; i < graph_.inputs.size() && plan_.steady_nodes > 0; ++i) {
    const ir::Value& value = graph_.value(graph_.inputs[i]);
    if (value.steady) found.emplace_back(inputs_[i], inputs_[i] + value.type.bytes());
  }
  same = same && found == steady_inputs_;
  steady_inputs_ = std::move(found);
  shared_->arena_user = this;
  return same ? plan_.steady_nodes : 0;
}

void CpuExecutable::copy_results() {
  for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
    const std::byte* source = address(graph_.outputs[i].value);
    if (source != outputs_[i])
      std::memcpy(outputs_[i], source, graph_.type(graph_.outputs[i].value).bytes());
  }
  for (const auto& [parameter, value] : graph_.assignments) {
    if (address(value) != address(parameter))
      std::memcpy(address(parameter), address(value), graph_.type(value).bytes());
  }
}

// Kernels get inputs as const: the cast only lets one function serve both.
std::byte* CpuExecutable::address(ir::ValueId id) const {
  const plan::Location& location = plan_.values[index_of(id)];
  switch (location.place) {
    case plan::Location::Place::kArena:
      return arena_ + location.offset;
    case plan::Location::Place::kInput:
      return const_cast<std::byte*>(inputs_[location.offset]);
    case plan::Location::Place::kOutput:
      return outputs_[location.offset];
    case plan::Location::Place::kParameter:
      return parameters_->data() + location.offset;
    case plan::Location::Place::kNone:
      break;
  }
  OBSCURA_CHECK(false, graph_.name + ": a value without a place is used");
  return nullptr;
}

Status CpuExecutable::stream(std::size_t n, std::size_t need_index, std::byte* target) {
  const plan::WeightNeed& need = needs_[n].weights[need_index];
  std::byte* plain =
      need.staging_bytes > 0 ? arena_ + plan_.nodes[n].staging_offsets[need_index] : target;
  const ir::Value& value = graph_.value(graph_.nodes[n].inputs[need.operand]);
  Status status = reader_->read(*value.weight, reinterpret_cast<float*>(plain));
  if (!status.ok()) return status.error().in(graph_.name);
  if (need.form != "plain")
    kernels_[n]->prepare(need.operand, reinterpret_cast<const float*>(plain), target);
  return {};
}

Result<const void*> CpuExecutable::operand(std::size_t n, std::size_t operand) {
  ir::ValueId id = graph_.nodes[n].inputs[operand];
  if (!graph_.value(id).weight) return static_cast<const void*>(address(id));
  const plan::PlannedNode& planned = plan_.nodes[n];
  for (std::size_t w = 0; w < planned.weights.size(); ++w) {
    if (needs_[n].weights[w].operand != operand) continue;
    if (resident_[planned.weights[w]] != nullptr)
      return static_cast<const void*>(resident_[planned.weights[w]]->data());
    std::byte* target = arena_ + planned.weight_offsets[w];
    OBSCURA_TRY(stream(n, w, target));
    return static_cast<const void*>(target);
  }
  OBSCURA_CHECK(false, "a weight operand is not in the plan");
  return static_cast<const void*>(nullptr);
}

Status CpuExecutable::run_node(std::size_t n) {
  if (kernels_[n] == nullptr) return {};
  const ir::Node& node = graph_.nodes[n];
  std::vector<const void*> operands;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    OBSCURA_ASSIGN(const void* data, operand(n, i));
    operands.push_back(data);
  }
  std::vector<void*> results;
  for (ir::ValueId id : node.outputs) results.push_back(address(id));
  std::size_t workspace = plan_.nodes[n].workspace_offset;
  kernels_[n]->run({operands, results, workspace == plan::kNowhere ? nullptr : arena_ + workspace});
  return {};
}

Status CpuExecutable::run(std::span<const InputBinding> inputs,
                          std::span<const OutputBinding> outputs, const CancelToken& cancel) {
  OBSCURA_CHECK(loaded_, graph_.name + ": run() before load()");
  OBSCURA_TRY(bind(inputs, outputs));
  std::size_t first = first_node();
  for (std::size_t n = first; n < graph_.nodes.size(); ++n) {
    Status status = cancel.check();
    if (status.ok()) status = run_node(n);
    if (!status.ok()) {
      // The steady part may be half done.
      shared_->arena_user = nullptr;
      return status;
    }
  }
  for (const ir::Output& out : graph_.outputs) {
    if (!is_finite(out.value)) return find_non_finite();
  }
  copy_results();
  return {};
}

bool CpuExecutable::is_finite(ir::ValueId id) const {
  const ir::ValueType& type = graph_.type(id);
  return type.dtype != DType::kF32 ||
         all_finite(reinterpret_cast<const float*>(address(id)), type.shape.elements());
}

Error CpuExecutable::find_non_finite() {
  auto numeric = [&](const std::string& what) {
    return Error(ErrorKind::kNumeric, graph_.name + ": " + what);
  };
  shared_->arena_user = nullptr;
  for (ir::ValueId id : graph_.inputs) {
    if (!is_finite(id))
      return numeric("its input " + graph_.value(id).name + " holds a NaN or an infinity");
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const ir::Node& node = graph_.nodes[n];
    if (Status status = run_node(n); !status.ok()) return status.error();
    if (std::all_of(node.outputs.begin(), node.outputs.end(),
                    [&](ir::ValueId id) { return is_finite(id); }))
      continue;
    for (ir::ValueId id : node.inputs) {
      const auto& weight = graph_.value(id).weight;
      if (!weight) continue;
      std::vector<float> plain(static_cast<std::size_t>(weight->shape.elements()));
      if (reader_->read(*weight, plain.data()).ok() &&
          !all_finite(plain.data(), weight->shape.elements())) {
        return numeric("the weight " + weight->text() + " holds a NaN or an infinity");
      }
    }
    return numeric(
        fmt::format("{} at {} produced a NaN or an infinity", node.op->name(), node.scope));
  }
  return numeric("a NaN or an infinity that did not appear again when looked for");
}

Result<std::vector<double>> CpuExecutable::profile(std::span<const InputBinding> inputs,
                                                   std::span<const OutputBinding> outputs) {
  using Clock = std::chrono::steady_clock;
  OBSCURA_CHECK(loaded_, graph_.name + ": profile() before load()");
  OBSCURA_TRY(bind(inputs, outputs));
  shared_->arena_user = nullptr;
  std::vector<double> seconds;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    auto begin = Clock::now();
    OBSCURA_TRY(run_node(n));
    seconds.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  copy_results();
  return seconds;
}

}  // namespace obscura::backend::cpu
