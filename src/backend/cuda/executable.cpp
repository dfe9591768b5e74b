#include "backend/cuda/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/status.h"
#include "backend/cuda/timing.h"
#include "base/log.h"

namespace obscura::backend::cuda {
namespace {

// The memory of a binding of this name; a bug if it is missing or of another size.
template <class Bindings>
auto bound_bytes(const Bindings& bindings, const std::string& graph, const std::string& name,
                 std::size_t bytes) {
  auto binding =
      std::find_if(bindings.begin(), bindings.end(), [&](const auto& b) { return b.name == name; });
  OBSCURA_CHECK(binding != bindings.end(), graph + ": " + name + " is not bound");
  OBSCURA_CHECK(binding->bytes.size() == bytes, graph + ": " + name + " has another size");
  return binding->bytes;
}

}  // namespace

CudaExecutable::CudaExecutable(ir::Graph graph, std::shared_ptr<SharedMemory> shared)
    : graph_(std::move(graph)), shared_(std::move(shared)) {}

CudaExecutable::~CudaExecutable() {
  unload();
  for (cudaEvent_t event : events_) cudaEventDestroy(event);
}

Result<std::unique_ptr<Executable>> CudaExecutable::create(ir::Graph graph,
                                                           std::shared_ptr<SharedMemory> shared) {
  std::unique_ptr<CudaExecutable> executable(
      new CudaExecutable(std::move(graph), std::move(shared)));
  OBSCURA_TRY(executable->find_kernels());
  return std::unique_ptr<Executable>(std::move(executable));
}

Status CudaExecutable::find_kernels() {
  for (const ir::Node& node : graph_.nodes) {
    if (node.op->is_view()) {
      kernels_.push_back(nullptr);
      needs_.emplace_back();
      continue;
    }
    std::vector<ir::ValueType> types, results;
    for (ir::ValueId id : node.inputs) types.push_back(graph_.type(id));
    for (ir::ValueId id : node.outputs) results.push_back(graph_.type(id));
    KernelRequest request{context(), node.op, types, results[0], results};
    auto kernel = kernel_for(request);
    if (kernel.ok() && !plan::can_prepare_weights((*kernel)->needs(), graph_, node))
      kernel = plain_definition(request);
    if (!kernel.ok()) return kernel.error().in(node.scope);
    plan::NodeNeeds needs = plan::with_plain_weights((*kernel)->needs(), graph_, node);
    // A slab is made of aligned places: the plan counts what they take.
    for (plan::WeightNeed& need : needs.weights) need.bytes = plan::aligned(need.bytes);
    kernels_.push_back(std::move(*kernel));
    needs_.push_back(std::move(needs));
  }
  return {};
}

std::string CudaExecutable::weight_key(const plan::PlannedWeight& weight,
                                       const WeightReader& weights) const {
  const ir::Value& value = graph_.value(weight.value);
  return fmt::format("{}\n{}\n{}\n{}", weights.identity(*value.weight), value.type.text(),
                     weight.form, weight.resident ? "device" : "host");
}

std::size_t CudaExecutable::missing_weight_bytes(const plan::Plan& plan,
                                                 const WeightReader& weights) const {
  std::size_t missing = 0;
  for (const plan::PlannedWeight& weight : plan.weights) {
    if (weight.resident && shared_->find(weight_key(weight, weights)) == nullptr)
      missing += weight.bytes;
  }
  return missing;
}

Status CudaExecutable::load(plan::Plan plan, WeightReader& weights) {
  unload();
  plan_ = std::move(plan);
  reader_ = &weights;
  OBSCURA_TRY(check(cudaSetDevice(context().ordinal), "choosing the device"));
  OBSCURA_ASSIGN(arena_, shared_->arena(plan_.arena_bytes));
  Status status = allocate_boundary();
  if (status.ok()) status = load_weights();
  if (status.ok()) status = load_parameters();
  if (!status.ok()) {
    unload();
    return status;
  }
  loaded_ = true;
  return {};
}

Status CudaExecutable::copy(void* target, const void* source, std::size_t bytes,
                            cudaMemcpyKind kind) {
  OBSCURA_TRY(check(cudaMemcpyAsync(target, source, bytes, kind, context().compute),
                    "copying a parameter"));
  return check(cudaStreamSynchronize(context().compute), "copying a parameter");
}

Status CudaExecutable::load_parameters() {
  if (plan_.parameter_bytes == 0) return {};
  OBSCURA_ASSIGN(parameters_, shared_->allocate_slab(plan_.parameter_bytes));
  for (ir::ValueId id : graph_.parameters) {
    std::vector<std::byte> content(graph_.type(id).bytes());
    parked_.read(graph_.value(id).name, content);
    OBSCURA_TRY(copy(address(id), content.data(), content.size(), cudaMemcpyHostToDevice));
  }
  parked_.clear();
  return {};
}

void CudaExecutable::park_parameters() {
  if (!loaded_ || parameters_ == nullptr) return;
  for (ir::ValueId id : graph_.parameters) {
    std::vector<std::byte> content(graph_.type(id).bytes());
    Status status = copy(content.data(), address(id), content.size(), cudaMemcpyDeviceToHost);
    if (!status.ok()) log::warn("{}: {}", graph_.name, status.error().message());
    parked_.write(graph_.value(id).name, content);
  }
}

Status CudaExecutable::write_parameter(std::string_view name, std::span<const std::byte> bytes) {
  const ir::ValueId id = find_parameter(graph_, name, bytes.size());
  if (!loaded_) {
    parked_.write(name, bytes);
    return {};
  }
  return copy(address(id), bytes.data(), bytes.size(), cudaMemcpyHostToDevice);
}

Status CudaExecutable::read_parameter(std::string_view name, std::span<std::byte> bytes) {
  const ir::ValueId id = find_parameter(graph_, name, bytes.size());
  if (!loaded_) {
    parked_.read(name, bytes);
    return {};
  }
  return copy(bytes.data(), address(id), bytes.size(), cudaMemcpyDeviceToHost);
}

Status CudaExecutable::enqueue_assignments() {
  for (const auto& [parameter, value] : graph_.assignments) {
    if (address(parameter) == address(value)) continue;
    OBSCURA_TRY(
        check(cudaMemcpyAsync(address(parameter), address(value), graph_.type(value).bytes(),
                              cudaMemcpyDeviceToDevice, context().compute),
              "assigning a parameter"));
  }
  return {};
}

Status CudaExecutable::load_weights() {
  weights_.assign(plan_.weights.size(), nullptr);
  std::vector<std::size_t> missing;
  std::size_t device_bytes = 0, host_bytes = 0;
  for (std::size_t i = 0; i < plan_.weights.size(); ++i) {
    const plan::PlannedWeight& weight = plan_.weights[i];
    if ((weights_[i] = shared_->find(weight_key(weight, *reader_))) != nullptr) continue;
    missing.push_back(i);
    (weight.resident ? device_bytes : host_bytes) += weight.bytes;
  }
  streams_ = plan_.streamed_weight_bytes > 0;
  if (missing.empty()) return {};

  std::shared_ptr<DeviceMemory> slab;
  if (device_bytes > 0) {
    OBSCURA_ASSIGN(slab, shared_->allocate_slab(device_bytes));
  }
  OBSCURA_ASSIGN(PinnedMemory pinned_memory, PinnedMemory::allocate(host_bytes));
  auto pinned = std::make_shared<PinnedMemory>(std::move(pinned_memory));
  WeightUpload upload(context(), *reader_);
  std::size_t device_offset = 0, host_offset = 0;
  DeviceMemory passing;  // of a weight on its way to the host
  for (std::size_t i : missing) {
    const plan::PlannedWeight& weight = plan_.weights[i];
    auto prepared = std::make_shared<PreparedWeight>();
    if (weight.resident) {
      prepared->slab = slab;
      prepared->data = slab->data() + device_offset;
      device_offset += weight.bytes;
      OBSCURA_TRY(prepare(upload, i, prepared->data));
    } else {
      prepared->slab = pinned;
      prepared->data = pinned->data() + host_offset;
      host_offset += weight.bytes;
      if (passing.bytes() < weight.bytes) {
        passing = DeviceMemory();
        OBSCURA_ASSIGN(passing, DeviceMemory::allocate(weight.bytes));
      }
      OBSCURA_TRY(prepare(upload, i, passing.data()));
      OBSCURA_TRY(check(cudaMemcpyAsync(prepared->data, passing.data(), weight.bytes,
                                        cudaMemcpyDeviceToHost, context().compute),
                        "keeping a weight on the host"));
    }
    shared_->remember(weight_key(weight, *reader_), prepared);
    weights_[i] = std::move(prepared);
  }
  return check(cudaStreamSynchronize(context().compute), "loading weights");
}

Status CudaExecutable::prepare(WeightUpload& upload, std::size_t index, std::byte* target) {
  const plan::PlannedWeight& weight = plan_.weights[index];
  const ir::Value& value = graph_.value(weight.value);
  std::size_t scratch_bytes = plan::aligned(upload.scratch_bytes(value));
  bool plain = weight.form == "plain";
  std::size_t wanted = scratch_bytes + (plain ? 0 : value.type.bytes());
  // Nothing runs while weights are loaded, so the arena is free for what they pass through.
  shared_->arena_user = nullptr;
  DeviceMemory own;
  std::byte* scratch = arena_;
  if (wanted > plan_.arena_bytes) {
    OBSCURA_ASSIGN(own, DeviceMemory::allocate(wanted));
    scratch = own.data();
  }
  Status status = upload.read(value, plain ? target : scratch + scratch_bytes, scratch);
  if (!status.ok()) return status.error().in(graph_.name);
  if (!plain) {
    // Any node that reads the weight in this form knows how to prepare it.
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      const auto& indices = plan_.nodes[n].weights;
      auto found = std::find(indices.begin(), indices.end(), index);
      if (found == indices.end()) continue;
      const plan::WeightNeed& need =
          needs_[n].weights[static_cast<std::size_t>(found - indices.begin())];
      OBSCURA_TRY(
          kernels_[n]->prepare(need.operand, scratch + scratch_bytes, target, context().compute));
      break;
    }
  }
  // cudaFree waits for the device by itself.
  return {};
}

Status CudaExecutable::allocate_boundary() {
  std::size_t bytes = 0;
  auto reserve = [&](ir::ValueId id) {
    std::size_t offset = bytes;
    bytes += plan::aligned(graph_.type(id).bytes());
    return offset;
  };
  input_offsets_.clear();
  output_offsets_.clear();
  for (ir::ValueId id : graph_.inputs) input_offsets_.push_back(reserve(id));
  for (const ir::Output& out : graph_.outputs) output_offsets_.push_back(reserve(out.value));
  OBSCURA_ASSIGN(boundary_, PinnedMemory::allocate(bytes + plan::kAlignment));
  host_flag_ = boundary_.data() + bytes;
  OBSCURA_ASSIGN(flag_, DeviceMemory::allocate(sizeof(std::int32_t)));
  inputs_sent_ = false;
  return {};
}

void CudaExecutable::drop_replays() {
  for (Replay* replay : {&steady_, &main_}) {
    if (replay->graph != nullptr) cudaGraphExecDestroy(replay->graph);
    *replay = {};
  }
}

void CudaExecutable::unload() {
  if (reader_ == nullptr) return;
  cudaStreamSynchronize(context().compute);
  cudaStreamSynchronize(context().copy);
  drop_replays();
  park_parameters();
  parameters_ = nullptr;
  weights_.clear();
  boundary_ = PinnedMemory();
  flag_ = DeviceMemory();
  if (shared_->arena_user == this) shared_->arena_user = nullptr;
  reader_ = nullptr;
  loaded_ = false;
}

std::byte* CudaExecutable::address(ir::ValueId id) const {
  const plan::Location& location = plan_.values[index_of(id)];
  if (location.place == plan::Location::Place::kParameter)
    return parameters_->data() + location.offset;
  OBSCURA_CHECK(location.place == plan::Location::Place::kArena,
                graph_.name + ": a value without a place is used");
  return arena_ + location.offset;
}

Result<bool> CudaExecutable::send_inputs(std::span<const InputBinding> inputs) {
  bool steady_changed = !inputs_sent_ || !plan_.layout.keeps_steady;
  for (std::size_t i = 0; i < graph_.inputs.size() && !steady_changed; ++i) {
    const ir::Value& value = graph_.value(graph_.inputs[i]);
    auto bytes = bound_bytes(inputs, graph_.name, value.name, value.type.bytes());
    const std::byte* copy = boundary_.data() + input_offsets_[i];
    steady_changed = value.steady && std::memcmp(copy, bytes.data(), bytes.size()) != 0;
  }
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
    const ir::Value& value = graph_.value(graph_.inputs[i]);
    // The place of a steady input that only steady nodes read serves others after them: if those
    // nodes run again, every steady input is sent again.
    if (value.steady && !steady_changed) continue;
    auto bytes = bound_bytes(inputs, graph_.name, value.name, value.type.bytes());
    std::byte* copy = boundary_.data() + input_offsets_[i];
    std::memcpy(copy, bytes.data(), bytes.size());
    OBSCURA_TRY(check(cudaMemcpyAsync(address(graph_.inputs[i]), copy, bytes.size(),
                                      cudaMemcpyHostToDevice, context().compute),
                      "sending an input"));
  }
  inputs_sent_ = true;
  return steady_changed;
}

Status CudaExecutable::receive_outputs(std::span<const OutputBinding> outputs) {
  for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
    ir::ValueId id = graph_.outputs[i].value;
    OBSCURA_TRY(
        check(cudaMemcpyAsync(boundary_.data() + output_offsets_[i], address(id),
                              graph_.type(id).bytes(), cudaMemcpyDeviceToHost, context().compute),
              "receiving an output"));
  }
  // After the outputs, which may be a parameter's old content.
  OBSCURA_TRY(enqueue_assignments());
  OBSCURA_TRY(check(cudaMemcpyAsync(host_flag_, flag_.data(), sizeof(std::int32_t),
                                    cudaMemcpyDeviceToHost, context().compute),
                    "receiving an output"));
  OBSCURA_TRY(check(cudaStreamSynchronize(context().compute), graph_.name));
  for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
    const ir::Output& out = graph_.outputs[i];
    std::size_t bytes = graph_.type(out.value).bytes();
    auto target = bound_bytes(outputs, graph_.name, out.name, bytes);
    std::memcpy(target.data(), boundary_.data() + output_offsets_[i], bytes);
  }
  return {};
}

Result<cudaEvent_t> CudaExecutable::event(std::size_t index) {
  while (events_.size() <= index) {
    cudaEvent_t made = nullptr;
    OBSCURA_TRY(check(cudaEventCreateWithFlags(&made, cudaEventDisableTiming), "making an event"));
    events_.push_back(made);
  }
  return events_[index];
}

// Puts the streamed weights of `node` on the copy stream, once everything before node `at` is done.
Status CudaExecutable::enqueue_weights(std::size_t node, std::size_t at) {
  const plan::PlannedNode& planned = plan_.nodes[node];
  OBSCURA_ASSIGN(cudaEvent_t free, event(2 * at));
  OBSCURA_ASSIGN(cudaEvent_t arrived, event(2 * node + 1));
  OBSCURA_TRY(check(cudaEventRecord(free, context().compute), "streaming weights"));
  OBSCURA_TRY(check(cudaStreamWaitEvent(context().copy, free, 0), "streaming weights"));
  for (std::size_t w = 0; w < planned.weights.size(); ++w) {
    std::size_t index = planned.weights[w];
    if (plan_.weights[index].resident) continue;
    OBSCURA_TRY(
        check(cudaMemcpyAsync(arena_ + planned.weight_offsets[w], weights_[index]->data,
                              plan_.weights[index].bytes, cudaMemcpyHostToDevice, context().copy),
              "streaming weights"));
  }
  return check(cudaEventRecord(arrived, context().copy), "streaming weights");
}

Status CudaExecutable::enqueue(std::size_t begin, std::size_t end) {
  auto streamed = [&](std::size_t n) {
    const auto& weights = plan_.nodes[n].weights;
    return streams_ && std::any_of(weights.begin(), weights.end(),
                                   [&](std::size_t w) { return !plan_.weights[w].resident; });
  };
  std::size_t next = begin;  // the first node whose weights have not been sent for
  for (std::size_t n = begin; n < end; ++n) {
    for (; next < end && plan_.nodes[next].arrival <= n; ++next) {
      if (streamed(next)) OBSCURA_TRY(enqueue_weights(next, n));
    }
    if (streamed(n)) {
      OBSCURA_ASSIGN(cudaEvent_t arrived, event(2 * n + 1));
      OBSCURA_TRY(check(cudaStreamWaitEvent(context().compute, arrived, 0), "waiting for weights"));
    }
    OBSCURA_TRY(run_kernel(n));
  }
  return {};
}

Status CudaExecutable::run_kernel(std::size_t n) {
  if (kernels_[n] == nullptr) return {};
  const ir::Node& node = graph_.nodes[n];
  const plan::PlannedNode& planned = plan_.nodes[n];
  std::vector<const void*> operands;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const void* data = nullptr;
    if (graph_.value(node.inputs[i]).weight) {
      for (std::size_t w = 0; w < planned.weights.size(); ++w) {
        if (needs_[n].weights[w].operand != i) continue;
        data = plan_.weights[planned.weights[w]].resident ? weights_[planned.weights[w]]->data
                                                          : arena_ + planned.weight_offsets[w];
      }
      OBSCURA_CHECK(data != nullptr, "a weight operand is not in the plan");
    } else {
      data = address(node.inputs[i]);
    }
    operands.push_back(data);
  }
  void* workspace =
      planned.workspace_offset == plan::kNowhere ? nullptr : arena_ + planned.workspace_offset;
  std::vector<void*> results;
  for (ir::ValueId id : node.outputs) results.push_back(address(id));
  Status status = kernels_[n]->run({operands, results, workspace, context().compute});
  if (!status.ok()) return status.error().in(graph_.name + ", " + node.scope);
  return {};
}

Status CudaExecutable::run_stretch(Replay& replay, std::size_t begin, std::size_t end) {
  if (begin == end) return {};
  // What runs once is not worth a graph.
  if (replay.graph == nullptr && ++replay.runs == 2) {
    if (Status status = record(replay, begin, end); !status.ok())
      log::warn("{} runs without a CUDA graph: {}", graph_.name, status.error().message());
  }
  if (replay.graph == nullptr) return enqueue(begin, end);
  return check(cudaGraphLaunch(replay.graph, context().compute), "replaying a run");
}

Status CudaExecutable::record(Replay& replay, std::size_t begin, std::size_t end) {
  OBSCURA_TRY(check(cudaStreamBeginCapture(context().compute, cudaStreamCaptureModeThreadLocal),
                    "recording a run"));
  Status status = enqueue(begin, end);
  cudaGraph_t graph = nullptr;
  // Ends the recording of the copy stream too, and forgets it all if a call in it failed.
  Status ended = check(cudaStreamEndCapture(context().compute, &graph), "recording a run");
  if (status.ok()) status = ended;
  if (status.ok())
    status = check(cudaGraphInstantiate(&replay.graph, graph, 0), "making a graph of a run");
  if (graph != nullptr) cudaGraphDestroy(graph);
  return status;
}

Status CudaExecutable::run(std::span<const InputBinding> inputs,
                           std::span<const OutputBinding> outputs, const CancelToken& cancel) {
  OBSCURA_CHECK(loaded_, graph_.name + ": run() before load()");
  OBSCURA_TRY(cancel.check());
  OBSCURA_TRY(check(cudaSetDevice(context().ordinal), "choosing the device"));
  OBSCURA_ASSIGN(arena_, shared_->arena(plan_.arena_bytes));
  if (arena_generation_ != shared_->arena_generation()) drop_replays();
  bool arena_is_ours =
      shared_->arena_user == this && arena_generation_ == shared_->arena_generation();
  arena_generation_ = shared_->arena_generation();
  shared_->arena_user = this;
  if (!arena_is_ours) inputs_sent_ = false;
  auto begin = std::chrono::steady_clock::now();
  Result<bool> steady_changed = send_inputs(inputs);
  Status status = steady_changed.ok() ? Status() : Status(steady_changed.error());
  if (status.ok() && *steady_changed) status = run_stretch(steady_, 0, plan_.steady_nodes);
  if (status.ok()) status = run_stretch(main_, plan_.steady_nodes, graph_.nodes.size());
  if (status.ok())
    status = check(cudaMemsetAsync(flag_.data(), 0, flag_.bytes(), context().compute), "a flag");
  for (const ir::Output& out : graph_.outputs) {
    if (!status.ok()) break;
    status = enqueue_finite_check(out.value);
  }
  launch_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (status.ok()) status = receive_outputs(outputs);
  if (!status.ok()) {
    // The copies of the inputs may still be on the bus.
    cudaStreamSynchronize(context().compute);
    cudaStreamSynchronize(context().copy);
    shared_->arena_user = nullptr;
    return status;
  }
  std::int32_t flag = 0;
  std::memcpy(&flag, host_flag_, sizeof flag);
  return flag == 0 ? Status() : Status(locate_non_finite());
}

Status CudaExecutable::enqueue_finite_check(ir::ValueId id) {
  return check(find_non_finite(element_of(graph_.type(id).dtype), address(id),
                               graph_.type(id).shape.elements(),
                               reinterpret_cast<std::int32_t*>(flag_.data()), context().compute),
               "looking for a NaN");
}

Result<bool> CudaExecutable::is_finite(ir::ValueId id) {
  if (!is_floating(graph_.type(id).dtype)) return true;
  OBSCURA_TRY(check(cudaMemsetAsync(flag_.data(), 0, flag_.bytes(), context().compute), "a flag"));
  OBSCURA_TRY(enqueue_finite_check(id));
  OBSCURA_TRY(check(cudaMemcpyAsync(host_flag_, flag_.data(), sizeof(std::int32_t),
                                    cudaMemcpyDeviceToHost, context().compute),
                    "looking for a NaN"));
  OBSCURA_TRY(check(cudaStreamSynchronize(context().compute), "looking for a NaN"));
  std::int32_t flag = 0;
  std::memcpy(&flag, host_flag_, sizeof flag);
  return flag == 0;
}

Error CudaExecutable::locate_non_finite() {
  shared_->arena_user = nullptr;
  auto numeric = [&](const std::string& what) {
    return Error(ErrorKind::kNumeric, graph_.name + ": " + what);
  };
  // The inputs may have been overwritten in the run: once more from the copies.
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
    ir::ValueId id = graph_.inputs[i];
    cudaMemcpyAsync(address(id), boundary_.data() + input_offsets_[i], graph_.type(id).bytes(),
                    cudaMemcpyHostToDevice, context().compute);
    Result<bool> finite = is_finite(id);
    if (!finite.ok()) return finite.error();
    if (!*finite)
      return numeric("its input " + graph_.value(id).name + " holds a NaN or an infinity");
  }
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    const ir::Node& node = graph_.nodes[n];
    if (Status status = enqueue(n, n + 1); !status.ok()) return status.error();
    bool all_finite = true;
    for (ir::ValueId id : node.outputs) {
      Result<bool> finite = is_finite(id);
      if (!finite.ok()) return finite.error();
      all_finite = all_finite && *finite;
    }
    if (all_finite) continue;
    for (ir::ValueId id : node.inputs) {
      const auto& weight = graph_.value(id).weight;
      if (!weight) continue;
      std::vector<float> plain(static_cast<std::size_t>(weight->shape.elements()));
      if (!reader_->read(*weight, plain.data()).ok()) continue;
      if (!std::all_of(plain.begin(), plain.end(), [](float x) { return x - x == 0; }))
        return numeric("the weight " + weight->text() + " holds a NaN or an infinity");
    }
    return numeric(fmt::format("{} at {} produced a NaN or an infinity in {}", node.op->name(),
                               node.scope, name_of(graph_.type(node.output()).dtype)));
  }
  return numeric("a NaN or an infinity that did not appear again when looked for");
}

Result<std::vector<double>> CudaExecutable::profile(std::span<const InputBinding> inputs,
                                                    std::span<const OutputBinding> outputs) {
  constexpr int kRepeats = 8;
  OBSCURA_TRY(run(inputs, outputs, CancelToken()));
  shared_->arena_user = nullptr;
  OBSCURA_ASSIGN(Stopwatch watch, Stopwatch::create(context().compute));
  std::vector<double> seconds;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    // Once to warm up and to bring streamed weights, then often enough that launching one while the
    // other runs hides the launch.
    OBSCURA_TRY(enqueue(n, n + 1));
    OBSCURA_TRY(watch.start());
    for (int i = 0; i < kRepeats; ++i) OBSCURA_TRY(run_kernel(n));
    OBSCURA_ASSIGN(float milliseconds, watch.stop());
    seconds.push_back(static_cast<double>(milliseconds) * 1e-3 / kRepeats);
  }
  return seconds;
}

}  // namespace obscura::backend::cuda
