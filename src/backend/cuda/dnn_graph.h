// cuDNN's graph interface: operations on described tensors, turned into one plan by an engine of
// the library.
//
// Like ir::Builder, a DnnGraph keeps its first error, so that a graph reads as the graph.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backend/cuda/context.h"
#include "base/result.h"
#include "tensor/dtype.h"

namespace obscura::backend::cuda {

// A compiled graph. Immutable; copies share it.
class DnnPlan {
 public:
  struct Binding {
    std::int64_t tensor;  // its number in the DnnGraph
    const void* data;
  };
  Status run(std::span<const Binding> bindings, void* workspace) const;
  std::size_t workspace_bytes() const { return workspace_bytes_; }
  // The engine and what it is known for: "engine 14 (compiled at run time)".
  const std::string& engine() const { return engine_; }

 private:
  friend class DnnGraph;
  const Dnn* dnn_ = nullptr;
  cudnnHandle_t handle_ = nullptr;
  std::vector<std::shared_ptr<void>> alive_;  // descriptors that the plan refers to
  cudnnBackendDescriptor_t plan_ = nullptr;
  std::size_t workspace_bytes_ = 0;
  std::string engine_;
};

class DnnGraph {
 public:
  using Descriptor = std::shared_ptr<void>;

  explicit DnnGraph(Context& context) : context_(context) {}

  // A tensor of memory, bound by `number` when the plan runs. Dimensions and strides in elements.
  Descriptor tensor(std::int64_t number, std::vector<std::int64_t> dims,
                    std::vector<std::int64_t> strides, DType dtype);
  // An intermediate result that never exists in memory, in float32 unless said otherwise.
  Descriptor intermediate(std::vector<std::int64_t> dims, std::vector<std::int64_t> strides,
                          DType dtype = DType::kF32);
  // A float32 number that stands in host memory when the plan runs; of `rank` dimensions.
  Descriptor scalar(std::int64_t number, int rank);

  // x (N, C, H, W), filter (K, C, R, S); padding {top, left}, {bottom, right}.
  void convolution(const Descriptor& x, const Descriptor& filter, const Descriptor& y,
                   std::int64_t stride, std::vector<std::int64_t> before,
                   std::vector<std::int64_t> after);
  // y = a (op) b, b broadcast.
  void pointwise(cudnnPointwiseMode_t mode, const Descriptor& a, const Descriptor& b,
                 const Descriptor& y);
  void pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor& y);
  void matmul(const Descriptor& a, const Descriptor& b, const Descriptor& c);
  void reduce(cudnnReduceTensorOp_t how, const Descriptor& x, const Descriptor& y);
  // softmax(q k^T * scale) v, all (batch, heads, tokens, size). k is given as stored.
  void attention(const Descriptor& q, const Descriptor& k, const Descriptor& v, const Descriptor& o,
                 const Descriptor& scale);

  // The plans that the library offers, best guess first, at most `limit`; none that gives other
  // bits from run to run, nor, for float32 tensors, one that rounds its operands. kUnsupported if
  // nothing is left.
  Result<std::vector<DnnPlan>> plans(bool exact_f32, std::size_t limit,
                                     std::size_t workspace_limit) &&;

 private:
  // create(): kept by every plan; make(): by whoever holds it.
  Descriptor create(cudnnBackendDescriptorType_t type);
  Descriptor make(cudnnBackendDescriptorType_t type);
  void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name,
           cudnnBackendAttributeType_t type, std::int64_t count, const void* values);
  void set(const Descriptor& descriptor, cudnnBackendAttributeName_t name, const Descriptor& value);
  void finalize(const Descriptor& descriptor, const std::string& what);
  void add(const Descriptor& operation, const std::string& what);
  Descriptor pointwise_mode(cudnnPointwiseMode_t mode);
  void fail(cudnnStatus_t status, const std::string& what);
  Result<DnnPlan> compile(const Descriptor& engine_config, bool exact_f32);

  Context& context_;
  std::vector<Descriptor> operations_, alive_;
  std::optional<Error> error_;
};

}  // namespace obscura::backend::cuda
