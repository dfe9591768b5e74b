// A CUDA kernel: one node's computation for fixed shapes and element types, put on a stream. All
// its memory comes from the plan, and it launches the same work each time, so that a run can be
// captured as a CUDA graph and replayed.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <span>
#include <string_view>

#include "backend/cuda/context.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend::cuda {

// Pointers to device memory, aligned to plan::kAlignment.
struct KernelCall {
  std::span<const void* const>
      inputs;                      // in the order of the node's operands; weights in prepared form
  std::span<void* const> outputs;  // in the order of the node's results
  void* workspace = nullptr;
  cudaStream_t stream = nullptr;

  const void* input(int operand) const { return inputs[static_cast<std::size_t>(operand)]; }
  void* output() const { return outputs[0]; }
  // nullptr for operand -1: optional operands of a fused op that it does not have.
  const void* optional(int operand) const { return operand < 0 ? nullptr : input(operand); }
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  // Weights are listed here only where they are not plain arrays of their ValueType; the Executable
  // adds those.
  virtual plan::NodeNeeds needs() const { return {}; }
  // Turns a weight of the list into its prepared form. `plain` is the weight in its own layout, in
  // the element type of its ValueType; it never overlaps `prepared`. Both on the device.
  virtual Status prepare(std::size_t operand, const void* plain, void* prepared,
                         cudaStream_t stream) const;
  // Only puts work on the stream.
  virtual Status run(const KernelCall& call) const = 0;
  // Which of a library's algorithms was chosen: part of what fixes the bits. Empty for own kernels.
  virtual std::string choice() const { return {}; }
};

struct KernelRequest {
  Context& context;
  const ir::OpPtr& op;
  std::span<const ir::ValueType> inputs;
  const ir::ValueType& output;  // of the first result
  std::span<const ir::ValueType> outputs;
  ir::Products products = ir::Products::kAsTheyAre;

  const ir::ValueType& type(int operand) const { return inputs[static_cast<std::size_t>(operand)]; }
};

using KernelFactory = Result<std::unique_ptr<Kernel>> (*)(const KernelRequest&);

// Registers the factory of an op's kernel; declared as a static object beside the kernel.
struct RegisterKernel {
  RegisterKernel(std::string_view op_name, KernelFactory factory);
};

// Whether an op has a kernel of its own; one without runs by its plain definition, on the host.
bool has_kernel(std::string_view op_name);

// The kernel of an op, cached by op and types for as long as somebody holds it.
Result<std::shared_ptr<const Kernel>> kernel_for(const KernelRequest& request);
// The op by its plain definition, which takes any operand as a plain array.
Result<std::shared_ptr<const Kernel>> plain_definition(const KernelRequest& request);

}  // namespace obscura::backend::cuda
