// A CPU kernel: one node's computation for fixed shapes. Kernels are made once for equal ops and
// shapes and shared; all their memory comes from the plan.
//
// Every kernel treats the samples of a batch one after another in the same way, so that an image's
// bits do not depend on which batch it was in, nor on whether the two halves of a CFG pair ran
// together.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "ir/graph.h"
#include "ir/products.h"
#include "plan/plan.h"

namespace obscura::backend::cpu {

struct KernelCall {
  std::span<const void* const>
      inputs;                      // in the order of the node's operands; weights in prepared form
  std::span<void* const> outputs;  // in the order of the node's results
  std::byte* workspace = nullptr;

  const float* f32(int operand) const {
    return static_cast<const float*>(inputs[static_cast<std::size_t>(operand)]);
  }
  // nullptr for operand -1: optional operands of a fused op that it does not have.
  const float* optional(int operand) const { return operand < 0 ? nullptr : f32(operand); }
  const std::int32_t* i32(int operand) const {
    return static_cast<const std::int32_t*>(inputs[static_cast<std::size_t>(operand)]);
  }
  void* output() const { return outputs[0]; }
  float* result() const { return static_cast<float*>(outputs[0]); }
};

class Kernel {
 public:
  virtual ~Kernel() = default;
  // Weights are listed here only where they are not plain float32 arrays; the Executable adds
  // those.
  virtual plan::NodeNeeds needs() const { return {}; }
  // Turns a weight of the list into its prepared form. `plain` is the weight as float32 in its own
  // layout; it may be `prepared` itself if the WeightNeed has no staging bytes.
  virtual void prepare(std::size_t operand, const float* plain, std::byte* prepared) const;
  virtual void run(const KernelCall& call) const = 0;
};

struct KernelRequest {
  const ir::Op& op;
  std::span<const ir::ValueType> inputs;
  const ir::ValueType& output;  // of the first result
  std::span<const ir::ValueType> outputs;
  ir::Products products = ir::Products::kAsTheyAre;
};

using KernelFactory = Result<std::unique_ptr<Kernel>> (*)(const KernelRequest&);

// Registers the factory of an op's kernel; declared as a static object beside the kernel.
struct RegisterKernel {
  RegisterKernel(std::string_view op_name, KernelFactory factory);
};

// The kernel of an op, or one that runs its plain definition where nobody wrote a faster one.
// Cached by op and types.
Result<std::shared_ptr<const Kernel>> kernel_for(const KernelRequest& request);
// The op's plain definition, which takes any operand as a plain array.
std::shared_ptr<const Kernel> plain_definition(const KernelRequest& request);

}  // namespace obscura::backend::cpu
