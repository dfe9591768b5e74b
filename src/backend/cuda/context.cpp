#include "backend/cuda/context.h"

#include <algorithm>

#include "backend/cuda/status.h"

namespace obscura::backend::cuda {

Result<std::shared_ptr<Context>> Context::create(int ordinal) {
  const Result<Libraries>& opened = backend::cuda::libraries();
  if (!opened.ok()) return opened.error();
  std::shared_ptr<Context> context(new Context());
  context->ordinal = ordinal;
  context->libraries = *opened;
  OBSCURA_TRY(check(cudaSetDevice(ordinal), "choosing the device"));
  OBSCURA_TRY(check(cudaGetDeviceProperties(&context->properties, ordinal), "asking the device"));
  OBSCURA_TRY(check(cudaStreamCreateWithFlags(&context->compute, cudaStreamNonBlocking),
                    "making a stream"));
  OBSCURA_TRY(
      check(cudaStreamCreateWithFlags(&context->copy, cudaStreamNonBlocking), "making a stream"));
  if (opened->blas.create(&context->blas) != CUBLAS_STATUS_SUCCESS)
    return Error(ErrorKind::kInternal, "[cuda] cuBLASLt does not start");
  cudnnStatus_t status = opened->dnn.create(&context->dnn);
  if (status == CUDNN_STATUS_SUCCESS)
    status = opened->dnn.set_stream(context->dnn, context->compute);
  if (status != CUDNN_STATUS_SUCCESS) {
    return Error(ErrorKind::kInternal,
                 std::string("[cuda] cuDNN does not start: ") + opened->dnn.error_string(status));
  }
  context->choices.device = context->properties.name;
  context->choices.libraries = opened->text();
  OBSCURA_ASSIGN(context->choices.by_work,
                 recorded_choices(context->choices.device, context->choices.libraries));
  return context;
}

std::size_t Context::choose(const std::string& key, std::size_t count,
                            const std::function<float(std::size_t)>& time) {
  auto recorded = choices.by_work.find(key);
  if (recorded != choices.by_work.end() && recorded->second < count) return recorded->second;
  if (!tuning || count == 1) return 0;
  std::size_t best = 0;
  float least = time(0);
  for (std::size_t i = 1; i < count; ++i) {
    // A little faster may be noise: the library's own order counts for something.
    if (float milliseconds = time(i); milliseconds < 0.985f * least) {
      least = milliseconds;
      best = i;
    }
  }
  return choices.by_work[key] = best;
}

std::size_t Context::worth_preparing(const std::string& key, std::size_t most) const {
  auto recorded = choices.by_work.find(key);
  if (recorded != choices.by_work.end()) return std::min(recorded->second + 1, most);
  return tuning ? most : 1;
}

Context::~Context() {
  const bool lost = compute != nullptr && loses_device(cudaStreamSynchronize(compute));
  if (dnn != nullptr) libraries.dnn.destroy(dnn);
  if (blas != nullptr) libraries.blas.destroy(blas);
  if (copy != nullptr) cudaStreamDestroy(copy);
  if (compute != nullptr) cudaStreamDestroy(compute);
  // A broken context breaks every later one of this process until it is reset.
  if (lost) cudaDeviceReset();
}

}  // namespace obscura::backend::cuda
