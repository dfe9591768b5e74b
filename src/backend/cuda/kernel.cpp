#include "backend/cuda/kernel.h"

#include <map>

#include "backend/cuda/host_kernel.h"

namespace obscura::backend::cuda {
namespace {

std::map<std::string_view, KernelFactory>& factories() {
  static std::map<std::string_view, KernelFactory> map;
  return map;
}

}  // namespace

Status Kernel::prepare(std::size_t, const void*, void*, cudaStream_t) const {
  OBSCURA_CHECK(false, "a kernel that lists no weights was asked to prepare one");
  return {};
}

RegisterKernel::RegisterKernel(std::string_view op_name, KernelFactory factory) {
  factories()[op_name] = factory;
}

bool has_kernel(std::string_view op_name) {
  return factories().contains(op_name);
}

Result<std::shared_ptr<const Kernel>> plain_definition(const KernelRequest& request) {
  OBSCURA_ASSIGN(std::shared_ptr<const Kernel> kernel, make_host_kernel(request));
  return kernel;
}

Result<std::shared_ptr<const Kernel>> kernel_for(const KernelRequest& request) {
  auto factory = factories().find(request.op->name());
  return request.context.kernels.find_or_make(
      kernel_key(*request.op, request.inputs, request.products), [&] {
        return factory == factories().end() ? make_host_kernel(request) : factory->second(request);
      });
}

}  // namespace obscura::backend::cuda
