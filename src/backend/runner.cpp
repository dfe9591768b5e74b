#include "backend/runner.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "backend/find_non_finite.h"
#include "backend/load_weights.h"
#include "base/check.h"

namespace obscura::backend {

using Way = Lowered::Way;

Runner::Runner(ir::Graph graph, std::shared_ptr<Holdings> holdings, std::unique_ptr<Lowered> device)
    : graph_(std::move(graph)), holdings_(std::move(holdings)), device_(std::move(device)) {}

Runner::~Runner() {
  unload();
}

std::size_t Runner::missing_bytes(const plan::Plan& plan, const WeightReader& weights) const {
  return missing_weight_bytes(graph_, plan, *holdings_, weights) +
         parameters_.store().missing_bytes(graph_);
}

void Runner::keep_weights(const plan::Plan& plan, const WeightReader& weights) {
  kept_ = held_weights(graph_, plan, *holdings_, weights);
}

void Runner::visit_held(const HeldVisitor& visit) const {
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] != nullptr && plan_.weights[i].resident)
      visit(weights_[i].get(), weights_[i]->bytes);
  }
  for (const auto& placed : parameters_.places()) visit(placed.get(), placed->bytes);
}

void Runner::bind_parameters(std::shared_ptr<ParameterStore> store) {
  OBSCURA_CHECK(!loaded_, graph_.name + ": bind_parameters() of what is loaded");
  parameters_.bind(std::move(store));
}

Status Runner::load(plan::Plan plan, WeightReader& weights) {
  const auto kept = std::move(kept_);
  unload();
  plan_ = std::move(plan);
  reader_ = &weights;
  Status status = load_parts();
  if (!status.ok()) unload();
  loaded_ = status.ok();
  return status;
}

Status Runner::load_parts() {
  OBSCURA_TRY(device_->begin());
  // First: before weights are prepared in vain.
  OBSCURA_TRY(holdings_->reserve_arena(plan_.arena_bytes, plan_.layout.piece_bytes));
  OBSCURA_TRY(device_->open());
  OBSCURA_TRY(allocate_copies());
  OBSCURA_ASSIGN(weights_, load_weights({graph_, plan_, *device_, *holdings_, *reader_}));
  if (plan_.streamed_weight_bytes > 0 && !plan_.layout.prefetches) feed_ = device_->feed(*reader_);
  return parameters_.load(graph_, plan_, *device_, *holdings_);
}

Status Runner::allocate_copies() {
  std::size_t bytes = 0;
  auto reserve = [&](ir::ValueId id, bool wanted) {
    if (!wanted) return plan::kNowhere;
    const std::size_t offset = bytes;
    bytes += plan::aligned(graph_.type(id).bytes());
    return offset;
  };
  const bool all = plan_.layout.holds_inputs_and_outputs;
  input_copies_.clear();
  output_copies_.clear();
  for (ir::ValueId id : graph_.inputs)
    input_copies_.push_back(
        reserve(id, all || (graph_.value(id).steady && plan_.steady_nodes > 0)));
  for (const ir::Output& out : graph_.outputs) output_copies_.push_back(reserve(out.value, all));
  copies_are_sent_ = false;
  OBSCURA_ASSIGN(copies_, device_->allocate_host(bytes));
  return {};
}

void Runner::unload() {
  kept_.clear();
  if (reader_ == nullptr) return;
  const Status waited = device_->wait();
  parameters_.unload(graph_, *device_, waited.ok() && loaded_);
  device_->close();
  weights_.clear();
  feed_ = nullptr;
  copies_ = nullptr;
  if (holdings_->arena_user == this) holdings_->arena_user = nullptr;
  reader_ = nullptr;
  loaded_ = false;
}

Status Runner::write_parameter(std::string_view name, std::span<const std::byte> bytes) {
  return parameters_.write(graph_, *device_, name, bytes);
}

Status Runner::read_parameter(std::string_view name, std::span<std::byte> bytes) {
  return parameters_.read(graph_, *device_, name, bytes);
}

Status Runner::bind(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs) {
  OBSCURA_CHECK(loaded_, graph_.name + ": run() before load()");
  inputs_ = bind_inputs(graph_, inputs);
  outputs_ = bind_outputs(graph_, outputs);
  OBSCURA_TRY(device_->begin());
  OBSCURA_TRY(holdings_->reserve_arena(plan_.arena_bytes, plan_.layout.piece_bytes));
  if (generation_ != holdings_->arena_generation()) device_->forget_replays();
  if (holdings_->arena_user != this || generation_ != holdings_->arena_generation())
    copies_are_sent_ = false;
  generation_ = holdings_->arena_generation();
  holdings_->arena_user = this;
  return {};
}

Result<bool> Runner::send_inputs() {
  bool steady_changed = !copies_are_sent_ || !plan_.layout.keeps_steady;
  for (std::size_t i = 0; i < graph_.inputs.size() && !steady_changed; ++i) {
    const ir::Value& value = graph_.value(graph_.inputs[i]);
    if (!value.steady || input_copies_[i] == plan::kNowhere) continue;
    // What lies on the device cannot be looked at from here.
    steady_changed = inputs_[i].on_device || std::memcmp(copies_->data() + input_copies_[i],
                                                         inputs_[i].data, value.type.bytes()) != 0;
  }
  for (std::size_t i = 0; i < graph_.inputs.size(); ++i) {
    // The place of a steady input that only steady nodes read serves others after them: if those
    // nodes run again, every steady input is sent again.
    if (!graph_.value(graph_.inputs[i]).steady || steady_changed) OBSCURA_TRY(send_input(i));
  }
  copies_are_sent_ = true;
  return steady_changed;
}

Status Runner::send_input(std::size_t index) {
  const ir::ValueId id = graph_.inputs[index];
  const std::size_t bytes = graph_.type(id).bytes();
  const bool holds = plan_.layout.holds_inputs_and_outputs;
  if (inputs_[index].on_device && holds)
    return device_->copy(address(id), inputs_[index].data, bytes, Way::kOnDevice);
  if (input_copies_[index] == plan::kNowhere) return {};
  std::byte* copy = copies_->data() + input_copies_[index];
  std::memcpy(copy, inputs_[index].data, bytes);
  return holds ? device_->copy(address(id), copy, bytes, Way::kToDevice) : Status();
}

Status Runner::run_nodes(bool steady_changed, const CancelToken& cancel) {
  if (steady_changed && plan_.steady_nodes > 0) {
    OBSCURA_TRY(device_->replay(Lowered::Stretch::kSteady,
                                [&] { return put(0, plan_.steady_nodes, cancel); }));
  }
  if (plan_.steady_nodes == graph_.nodes.size()) return {};
  return device_->replay(Lowered::Stretch::kMain,
                         [&] { return put(plan_.steady_nodes, graph_.nodes.size(), cancel); });
}

Status Runner::receive_outputs() {
  for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
    const ir::ValueId id = graph_.outputs[i].value;
    const std::size_t bytes = graph_.type(id).bytes();
    if (outputs_[i].on_device || output_copies_[i] == plan::kNowhere) {
      // Made in its place, unless it shares that of another value.
      if (address(id) != outputs_[i].data)
        OBSCURA_TRY(device_->copy(outputs_[i].data, address(id), bytes, Way::kOnDevice));
    } else {
      OBSCURA_TRY(
          device_->copy(copies_->data() + output_copies_[i], address(id), bytes, Way::kToHost));
    }
  }
  // After the outputs, which may be a parameter's old content.
  for (const auto& [parameter, value] : graph_.assignments) {
    if (address(parameter) == address(value)) continue;
    OBSCURA_TRY(device_->copy(address(parameter), address(value), graph_.type(value).bytes(),
                              Way::kOnDevice));
  }
  return {};
}

void Runner::deliver_outputs() {
  for (std::size_t i = 0; i < graph_.outputs.size(); ++i) {
    if (outputs_[i].on_device || output_copies_[i] == plan::kNowhere) continue;
    std::memcpy(outputs_[i].data, copies_->data() + output_copies_[i],
                graph_.type(graph_.outputs[i].value).bytes());
  }
}

Status Runner::run(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs,
                   const CancelToken& cancel) {
  using Clock = std::chrono::steady_clock;
  OBSCURA_TRY(cancel.check());
  OBSCURA_TRY(bind(inputs, outputs));
  const auto begin = Clock::now();
  auto put_all = [&]() -> Status {
    OBSCURA_ASSIGN(const bool steady_changed, send_inputs());
    OBSCURA_TRY(run_nodes(steady_changed, cancel));
    for (const ir::Output& out : graph_.outputs)
      OBSCURA_TRY(device_->look_for_non_finite(graph_.type(out.value), address(out.value)));
    return receive_outputs();
  };
  Status status = put_all();
  if (!device_->computes_at_once())
    launch_seconds_ = std::chrono::duration<double>(Clock::now() - begin).count();
  Result<bool> finite = false;
  if (status.ok()) {
    finite = device_->all_finite();
    if (!finite.ok()) status = finite.error();
  }
  if (!status.ok()) {
    // The steady part may be half done, and copies still be under way.
    holdings_->arena_user = nullptr;
    Status waited = device_->wait();
    const bool lost = !waited.ok() && waited.error().kind() == ErrorKind::kDeviceLost;
    return lost ? waited : status;
  }
  if (!*finite) return locate_non_finite();
  deliver_outputs();
  return {};
}

std::byte* Runner::address(ir::ValueId id) const {
  const plan::Location& location = plan_.values[index_of(id)];
  switch (location.place) {
    case plan::Location::Place::kArena:
      return holdings_->arena(location.offset);
    case plan::Location::Place::kParameter:
      return parameters_.address(location.offset);
    case plan::Location::Place::kInput:
      // Kernels get inputs as const: the cast only lets one function serve all.
      return const_cast<std::byte*>(inputs_[location.offset].data);
    case plan::Location::Place::kOutput:
      return outputs_[location.offset].data;
    case plan::Location::Place::kNone:
      break;
  }
  OBSCURA_CHECK(false, graph_.name + ": a value without a place is used");
}

bool Runner::streams(std::size_t node) const {
  const auto& weights = plan_.nodes[node].weights;
  return plan_.streamed_weight_bytes > 0 &&
         std::any_of(weights.begin(), weights.end(),
                     [&](std::size_t w) { return !plan_.weights[w].resident; });
}

Status Runner::put(std::size_t begin, std::size_t end, const CancelToken& cancel) {
  const bool prefetches = plan_.layout.prefetches;
  std::size_t next = begin;  // the first node whose weights have not been sent for
  for (std::size_t n = begin; n < end; ++n) {
    OBSCURA_TRY(cancel.check());
    for (; prefetches && next < end && plan_.nodes[next].arrival <= n; ++next) {
      if (streams(next)) OBSCURA_TRY(fetch(next, n));
    }
    if (streams(n)) OBSCURA_TRY(prefetches ? device_->await(n) : stream(n));
    OBSCURA_TRY(put_node(n));
  }
  return {};
}

Status Runner::fetch(std::size_t node, std::size_t at) {
  const plan::PlannedNode& planned = plan_.nodes[node];
  std::vector<Lowered::Fetch> fetches;
  for (std::size_t w = 0; w < planned.weights.size(); ++w) {
    const std::size_t index = planned.weights[w];
    if (plan_.weights[index].resident) continue;
    fetches.push_back({holdings_->arena(planned.weight_offsets[w]), weights_[index]->data,
                       plan_.weights[index].bytes});
  }
  return device_->fetch(node, at, fetches);
}

Status Runner::stream(std::size_t node) {
  const plan::PlannedNode& planned = plan_.nodes[node];
  const LoadingWeights loading{graph_, plan_, *device_, *holdings_, *reader_};
  for (std::size_t w = 0; w < planned.weights.size(); ++w) {
    if (plan_.weights[planned.weights[w]].resident) continue;
    const plan::WeightNeed& need = needs()[node].weights[w];
    std::byte* target = holdings_->arena(planned.weight_offsets[w]);
    std::byte* staging =
        need.staging_bytes > 0 ? holdings_->arena(planned.staging_offsets[w]) : target;
    OBSCURA_TRY(prepare_weight(loading, *feed_, node, need, target, staging, nullptr));
  }
  return {};
}

const std::byte* Runner::weight(std::size_t node, std::size_t operand) const {
  const plan::PlannedNode& planned = plan_.nodes[node];
  std::size_t w = 0;
  while (w < planned.weights.size() && needs()[node].weights[w].operand != operand) ++w;
  OBSCURA_CHECK(w < planned.weights.size(), "a weight operand is not in the plan");
  const std::size_t index = planned.weights[w];
  return plan_.weights[index].resident ? weights_[index]->data
                                       : holdings_->arena(planned.weight_offsets[w]);
}

Status Runner::put_node(std::size_t node) {
  const ir::Node& wanted = graph_.nodes[node];
  if (wanted.op->is_view()) return {};
  std::vector<const void*> operands;
  for (std::size_t i = 0; i < wanted.inputs.size(); ++i) {
    const ir::ValueId id = wanted.inputs[i];
    operands.push_back(graph_.value(id).weight ? weight(node, i) : address(id));
  }
  std::vector<void*> results;
  for (ir::ValueId id : wanted.outputs) results.push_back(address(id));
  const std::size_t workspace = plan_.nodes[node].workspace_offset;
  Status status = device_->run(
      node,
      {operands, results, workspace == plan::kNowhere ? nullptr : holdings_->arena(workspace)});
  return status.ok() ? status : Status(status.error().in(graph_.name + ", " + wanted.scope));
}

Result<bool> Runner::is_finite(ir::ValueId id) {
  OBSCURA_TRY(device_->look_for_non_finite(graph_.type(id), address(id)));
  return device_->all_finite();
}

Error Runner::locate_non_finite() {
  holdings_->arena_user = nullptr;
  NonFiniteSearch search{graph_, *reader_};
  // The inputs may have been overwritten in the run: once more.
  search.begin = [&]() -> Status {
    for (std::size_t i = 0; i < graph_.inputs.size(); ++i) OBSCURA_TRY(send_input(i));
    return {};
  };
  search.run_node = [&](std::size_t node) { return put(node, node + 1, CancelToken()); };
  search.is_finite = [&](ir::ValueId id) { return is_finite(id); };
  return find_non_finite(search);
}

Result<std::vector<double>> Runner::profile(std::span<const InputBinding> inputs,
                                            std::span<const OutputBinding> outputs) {
  OBSCURA_TRY(bind(inputs, outputs));
  copies_are_sent_ = false;
  OBSCURA_TRY(send_inputs());
  holdings_->arena_user = nullptr;
  std::vector<double> seconds;
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    OBSCURA_ASSIGN(double taken, device_->time([&] { return put(n, n + 1, CancelToken()); },
                                               [&] { return put_node(n); }));
    seconds.push_back(taken);
  }
  OBSCURA_TRY(receive_outputs());
  OBSCURA_TRY(device_->wait());
  deliver_outputs();
  return seconds;
}

}  // namespace obscura::backend
