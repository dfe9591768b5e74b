// What the kernels of all devices have in common: how a graph's are found, and how they are shared.
//
// Kernel is a device's class of kernels (needs()); its namespace has kernel_for(request) and
// plain_definition(request).
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

// Equal keys mean equal kernels.
inline std::string kernel_key(const ir::Op& op, std::span<const ir::ValueType> inputs,
                              ir::Products products) {
  std::string key = op.text();
  for (const ir::ValueType& type : inputs) key += "; " + type.text();
  key += "; products ";
  key += name_of(products);
  return key;
}

// Kernels that somebody holds. Not thread safe.
template <class Kernel>
class SharedKernels {
 public:
  // `make` gives a Result<std::unique_ptr<Kernel>>.
  template <class Make>
  Result<std::shared_ptr<const Kernel>> find_or_make(const std::string& key, const Make& make) {
    if (auto alive = kernels_[key].lock()) return alive;
    OBSCURA_ASSIGN(auto made, make());
    std::shared_ptr<const Kernel> kernel = std::move(made);
    std::erase_if(kernels_, [](const auto& entry) { return entry.second.expired(); });
    kernels_[key] = kernel;
    return kernel;
  }

 private:
  std::map<std::string, std::weak_ptr<const Kernel>> kernels_;
};

// Parallel to a graph's nodes; a view has no kernel and no needs.
template <class Kernel>
struct NodeKernels {
  std::vector<std::shared_ptr<const Kernel>> kernels;
  std::vector<plan::NodeNeeds> needs;
};

// `request` makes a device's KernelRequest of a node and the types of its operands and results.
// Errors name the node.
template <class Kernel, class MakeRequest>
Result<NodeKernels<Kernel>> find_kernels(const ir::Graph& graph, const MakeRequest& make_request) {
  NodeKernels<Kernel> found;
  for (const ir::Node& node : graph.nodes) {
    if (node.op->is_view()) {
      found.kernels.push_back(nullptr);
      found.needs.emplace_back();
      continue;
    }
    std::vector<ir::ValueType> types, results;
    for (ir::ValueId id : node.inputs) types.push_back(graph.type(id));
    for (ir::ValueId id : node.outputs) results.push_back(graph.type(id));
    const auto request = make_request(node, types, results);
    Result<std::shared_ptr<const Kernel>> kernel = kernel_for(request);
    if (kernel.ok() && !plan::can_prepare_weights((*kernel)->needs(), graph, node))
      kernel = plain_definition(request);
    if (!kernel.ok()) return kernel.error().in(node.scope);
    found.needs.push_back(plan::with_plain_weights((*kernel)->needs(), graph, node));
    found.kernels.push_back(std::move(*kernel));
  }
  return found;
}

}  // namespace obscura::backend
