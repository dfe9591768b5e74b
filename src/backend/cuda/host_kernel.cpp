#include "backend/cuda/host_kernel.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/memory.h"
#include "backend/cuda/status.h"

namespace obscura::backend::cuda {
namespace {

// Plain definitions compute in float32.
ir::ValueType plain(const ir::ValueType& type) {
  return is_floating(type.dtype) ? ir::ValueType{DType::kF32, type.shape} : type;
}

class HostKernel final : public Kernel {
 public:
  static Result<std::unique_ptr<Kernel>> create(const KernelRequest& request) {
    std::unique_ptr<HostKernel> kernel(new HostKernel(request));
    OBSCURA_ASSIGN(kernel->memory_, PinnedMemory::allocate(kernel->bytes_));
    return std::unique_ptr<Kernel>(std::move(kernel));
  }

  plan::NodeNeeds needs() const override {
    plan::NodeNeeds needs;
    needs.workspace_bytes = widened_bytes_;
    return needs;
  }

  Status run(const KernelCall& call) const override {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const void* source = call.inputs[i];
      if (inputs_[i].type.dtype != plain(inputs_[i].type).dtype) {
        OBSCURA_TRY(check(convert(inputs_[i].type.dtype, source, DType::kF32, call.workspace,
                                  inputs_[i].type.shape.elements(), call.stream),
                          "widening an operand"));
        source = call.workspace;
      }
      OBSCURA_TRY(check(
          cudaMemcpyAsync(memory_.data() + inputs_[i].offset, source,
                          plain(inputs_[i].type).bytes(), cudaMemcpyDeviceToHost, call.stream),
          "bringing an operand to the host"));
    }
    OBSCURA_TRY(check(
        cudaLaunchHostFunc(
            call.stream, [](void* kernel) { static_cast<const HostKernel*>(kernel)->evaluate(); },
            const_cast<HostKernel*>(this)),
        "computing on the host"));
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      OBSCURA_TRY(send(outputs_[i], call.outputs[i], call));
    return {};
  }

 private:
  struct Operand {
    ir::ValueType type;
    std::size_t offset;  // into the page-locked memory
  };

  explicit HostKernel(const KernelRequest& request) : op_(request.op) {
    for (const ir::ValueType& type : request.inputs) inputs_.push_back(reserve(type));
    for (const ir::ValueType& type : request.outputs) outputs_.push_back(reserve(type));
  }

  Operand reserve(const ir::ValueType& type) {
    std::size_t bytes = plain(type).bytes();
    Operand operand{type, bytes_};
    bytes_ += (bytes + plan::kAlignment - 1) / plan::kAlignment * plan::kAlignment;
    if (type.dtype != plain(type).dtype) widened_bytes_ = std::max(widened_bytes_, bytes);
    return operand;
  }

  Status send(const Operand& result, void* target, const KernelCall& call) const {
    bool widened = result.type.dtype != plain(result.type).dtype;
    OBSCURA_TRY(
        check(cudaMemcpyAsync(widened ? call.workspace : target, memory_.data() + result.offset,
                              plain(result.type).bytes(), cudaMemcpyHostToDevice, call.stream),
              "bringing a result to the device"));
    if (!widened) return {};
    return check(convert(DType::kF32, call.workspace, result.type.dtype, target,
                         result.type.shape.elements(), call.stream),
                 "rounding a result");
  }

  // Called by the driver's thread, where nothing of CUDA may be called.
  void evaluate() const {
    std::vector<ir::ConstArray> operands;
    for (const Operand& input : inputs_)
      operands.push_back({plain(input.type), memory_.data() + input.offset});
    std::vector<ir::Array> results;
    for (const Operand& output : outputs_)
      results.push_back({plain(output.type), memory_.data() + output.offset});
    op_->evaluate_all(operands, results);
  }

  ir::OpPtr op_;
  std::vector<Operand> inputs_, outputs_;
  std::size_t bytes_ = 0, widened_bytes_ = 0;
  PinnedMemory memory_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> make_host_kernel(const KernelRequest& request) {
  return HostKernel::create(request);
}

}  // namespace obscura::backend::cuda
