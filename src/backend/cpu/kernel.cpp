#include "backend/cpu/kernel.h"

#include <map>
#include <mutex>
#include <vector>

#include "backend/kernel_table.h"

namespace obscura::backend::cpu {
namespace {

std::map<std::string_view, KernelFactory>& factories() {
  static std::map<std::string_view, KernelFactory> map;
  return map;
}

class PlainDefinition final : public Kernel {
 public:
  explicit PlainDefinition(const KernelRequest& request)
      : op_(request.op),
        inputs_(request.inputs.begin(), request.inputs.end()),
        outputs_(request.outputs.begin(), request.outputs.end()) {}

  void run(const KernelCall& call) const override {
    std::vector<ir::ConstArray> arrays;
    for (std::size_t i = 0; i < inputs_.size(); ++i) arrays.push_back({inputs_[i], call.inputs[i]});
    std::vector<ir::Array> results;
    for (std::size_t i = 0; i < outputs_.size(); ++i)
      results.push_back({outputs_[i], call.outputs[i]});
    op_.evaluate_all(arrays, results);
  }

 private:
  const ir::Op& op_;
  std::vector<ir::ValueType> inputs_, outputs_;
};

}  // namespace

void Kernel::prepare(std::size_t, const float*, std::byte*) const {
  OBSCURA_CHECK(false, "a kernel that lists no weights was asked to prepare one");
}

RegisterKernel::RegisterKernel(std::string_view op_name, KernelFactory factory) {
  factories()[op_name] = factory;
}

std::shared_ptr<const Kernel> plain_definition(const KernelRequest& request) {
  return std::make_shared<PlainDefinition>(request);
}

Result<std::shared_ptr<const Kernel>> kernel_for(const KernelRequest& request) {
  auto factory = factories().find(request.op.name());
  // The plain definition refers to the op, whose life is the graph's: not for the cache.
  if (factory == factories().end()) return plain_definition(request);

  static std::mutex mutex;
  static SharedKernels<Kernel> shared;
  std::lock_guard lock(mutex);
  return shared.find_or_make(kernel_key(request.op, request.inputs, request.products),
                             [&] { return factory->second(request); });
}

}  // namespace obscura::backend::cpu
