#include "backend/cuda/dnn_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/memory_text.h"

namespace obscura::backend::cuda {
namespace {

cudnnDataType_t dnn_type(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return CUDNN_DATA_HALF;
    case DType::kBF16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}

std::string last_error(const Dnn& dnn, cudnnStatus_t status) {
  std::array<char, 512> detail{};
  dnn.last_error(detail.data(), detail.size());
  return fmt::format("{} {}", dnn.error_string(status), detail.data());
}

Error dnn_error(const Dnn& dnn, cudnnStatus_t status, const std::string& what) {
  ErrorKind kind = CUDNN_STATUS_CATEGORY(status) == CUDNN_STATUS_NOT_SUPPORTED
                       ? ErrorKind::kUnsupported
                       : ErrorKind::kInternal;
  return Error(kind, fmt::format("[cuDNN] {}: {}", what, last_error(dnn, status)));
}

}  // namespace

Status DnnPlan::run(std::span<const Binding> bindings, void* workspace) const {
  std::vector<std::int64_t> numbers;
  std::vector<void*> pointers;
  for (const Binding& binding : bindings) {
    numbers.push_back(binding.tensor);
    pointers.push_back(const_cast<void*>(binding.data));
  }
  cudnnBackendDescriptor_t pack = nullptr;
  cudnnStatus_t status = dnn_->descriptor_create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, &pack);
  auto set = [&](cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                 std::size_t count, const void* values) {
    if (status == CUDNN_STATUS_SUCCESS)
      status = dnn_->set(pack, name, type, static_cast<std::int64_t>(count), values);
  };
  set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, numbers.size(), numbers.data());
  set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers.size(), pointers.data());
  set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  if (status == CUDNN_STATUS_SUCCESS) status = dnn_->finalize(pack);
  if (status == CUDNN_STATUS_SUCCESS) status = dnn_->execute(handle_, plan_, pack);
  Status result;
  if (status != CUDNN_STATUS_SUCCESS) result = dnn_error(*dnn_, status, engine_);
  if (pack != nullptr) dnn_->descriptor_destroy(pack);
  return result;
}

void DnnGraph::fail(cudnnStatus_t status, const std::string& what) {
  if (status != CUDNN_STATUS_SUCCESS && !error_)
    error_ = dnn_error(context_.libraries.dnn, status, what);
}

DnnGraph::Descriptor DnnGraph::create(cudnnBackendDescriptorType_t type) {
  alive_.push_back(make(type));
  return alive_.back();
}

DnnGraph::Descriptor DnnGraph::make(cudnnBackendDescriptorType_t type) {
  const Dnn& dnn = context_.libraries.dnn;
  cudnnBackendDescriptor_t descriptor = nullptr;
  fail(dnn.descriptor_create(type, &descriptor), "creating a descriptor");
  return Descriptor(descriptor, [destroy = dnn.descriptor_destroy](void* d) {
    if (d != nullptr) destroy(d);
  });
}

void DnnGraph::set(const Descriptor& descriptor, cudnnBackendAttributeName_t name,
                   cudnnBackendAttributeType_t type, std::int64_t count, const void* values) {
  if (error_) return;
  fail(context_.libraries.dnn.set(descriptor.get(), name, type, count, values),
       fmt::format("setting attribute {}", static_cast<int>(name)));
}

void DnnGraph::set(const Descriptor& descriptor, cudnnBackendAttributeName_t name,
                   const Descriptor& value) {
  void* raw = value.get();
  set(descriptor, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
}

void DnnGraph::finalize(const Descriptor& descriptor, const std::string& what) {
  if (!error_) fail(context_.libraries.dnn.finalize(descriptor.get()), what);
}

void DnnGraph::add(const Descriptor& operation, const std::string& what) {
  finalize(operation, what);
  operations_.push_back(operation);
}

DnnGraph::Descriptor DnnGraph::tensor(std::int64_t number, std::vector<std::int64_t> dims,
                                      std::vector<std::int64_t> strides, DType dtype) {
  Descriptor made = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  cudnnDataType_t type = dnn_type(dtype);
  std::int64_t alignment = 16;
  auto rank = static_cast<std::int64_t>(dims.size());
  set(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, rank, dims.data());
  set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, rank, strides.data());
  set(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &number);
  set(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
  finalize(made, "a tensor");
  return made;
}

DnnGraph::Descriptor DnnGraph::intermediate(std::vector<std::int64_t> dims,
                                            std::vector<std::int64_t> strides, DType dtype) {
  Descriptor made = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  cudnnDataType_t type = dnn_type(dtype);
  // Numbers of intermediates only have to be unlike those of tensors in memory.
  std::int64_t number = 1000 + static_cast<std::int64_t>(alive_.size()), alignment = 16;
  bool is_virtual = true;
  auto rank = static_cast<std::int64_t>(dims.size());
  set(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, rank, dims.data());
  set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, rank, strides.data());
  set(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &number);
  set(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
  set(made, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
  finalize(made, "an intermediate tensor");
  return made;
}

DnnGraph::Descriptor DnnGraph::scalar(std::int64_t number, int rank) {
  Descriptor made = create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  cudnnDataType_t type = CUDNN_DATA_FLOAT;
  std::vector<std::int64_t> ones(static_cast<std::size_t>(rank), 1);
  std::int64_t alignment = 16;  // of no meaning for a value; what the library expects
  bool by_value = true;
  set(made, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
  set(made, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, rank, ones.data());
  set(made, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, rank, ones.data());
  set(made, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &number);
  set(made, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
  set(made, CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, 1, &by_value);
  finalize(made, "a scalar");
  return made;
}

void DnnGraph::convolution(const Descriptor& x, const Descriptor& filter, const Descriptor& y,
                           std::int64_t stride, std::vector<std::int64_t> before,
                           std::vector<std::int64_t> after) {
  Descriptor kind = create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
  std::int64_t dimensions = 2;
  std::array<std::int64_t, 2> strides{stride, stride}, dilations{1, 1};
  set(kind, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
  set(kind, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
  set(kind, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &dimensions);
  set(kind, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations.data());
  set(kind, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides.data());
  set(kind, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, before.data());
  set(kind, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, after.data());
  finalize(kind, "a convolution");
  Descriptor operation = create(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
  float alpha = 1, beta = 0;
  set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, kind);
  set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
  set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, filter);
  set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
  set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &alpha);
  set(operation, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &beta);
  add(operation, "a convolution's operation");
}

DnnGraph::Descriptor DnnGraph::pointwise_mode(cudnnPointwiseMode_t mode) {
  Descriptor kind = create(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  set(kind, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
  set(kind, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &compute);
  finalize(kind, "a pointwise operation");
  return kind;
}

void DnnGraph::pointwise(cudnnPointwiseMode_t mode, const Descriptor& a, const Descriptor& b,
                         const Descriptor& y) {
  Descriptor kind = pointwise_mode(mode);
  Descriptor operation = create(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
  set(operation, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kind);
  set(operation, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, a);
  if (b != nullptr) set(operation, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);
  set(operation, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
  add(operation, "a pointwise operation");
}

void DnnGraph::pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor& y) {
  pointwise(mode, x, nullptr, y);
}

void DnnGraph::matmul(const Descriptor& a, const Descriptor& b, const Descriptor& c) {
  Descriptor kind = create(CUDNN_BACKEND_MATMUL_DESCRIPTOR);
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  set(kind, CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
  finalize(kind, "a matrix product");
  Descriptor operation = create(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR);
  set(operation, CUDNN_ATTR_OPERATION_MATMUL_DESC, kind);
  set(operation, CUDNN_ATTR_OPERATION_MATMUL_ADESC, a);
  set(operation, CUDNN_ATTR_OPERATION_MATMUL_BDESC, b);
  set(operation, CUDNN_ATTR_OPERATION_MATMUL_CDESC, c);
  add(operation, "a matrix product");
}

void DnnGraph::reduce(cudnnReduceTensorOp_t how, const Descriptor& x, const Descriptor& y) {
  Descriptor kind = create(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
  cudnnDataType_t compute = CUDNN_DATA_FLOAT;
  set(kind, CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, 1, &how);
  set(kind, CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &compute);
  finalize(kind, "a reduction");
  Descriptor operation = create(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
  set(operation, CUDNN_ATTR_OPERATION_REDUCTION_DESC, kind);
  set(operation, CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
  set(operation, CUDNN_ATTR_OPERATION_REDUCTION_YDESC, y);
  add(operation, "a reduction");
}

void DnnGraph::attention(const Descriptor& q, const Descriptor& k, const Descriptor& v,
                         const Descriptor& o, const Descriptor& scale) {
  Descriptor operation = create(CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR);
  set(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC, q);
  set(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC, k);
  set(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC, v);
  set(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC, o);
  set(operation, CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC, scale);
  add(operation, "an attention");
}

Result<DnnPlan> DnnGraph::compile(const Descriptor& config, bool exact_f32) {
  const Dnn& dnn = context_.libraries.dnn;
  Descriptor engine = make(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  void* raw = engine.get();
  std::int64_t count = 0, index = -1;
  cudnnStatus_t status = dnn.get(config.get(), CUDNN_ATTR_ENGINECFG_ENGINE,
                                 CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &raw);
  if (status != CUDNN_STATUS_SUCCESS) return dnn_error(dnn, status, "asking for the engine");
  dnn.get(engine.get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &index);
  std::array<cudnnBackendNumericalNote_t, CUDNN_NUMERICAL_NOTE_TYPE_COUNT> notes{};
  count = 0;
  dnn.get(engine.get(), CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
          static_cast<std::int64_t>(notes.size()), &count, notes.data());
  auto noted = [&](auto wanted) {
    auto end = notes.begin() + std::clamp<std::int64_t>(count, 0, static_cast<int>(notes.size()));
    return std::find(notes.begin(), end, wanted) != end;
  };
  if (noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC))
    return Error(ErrorKind::kUnsupported, "[cuDNN] an engine that gives other bits each time");
  if (noted(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION))
    return Error(ErrorKind::kUnsupported, "[cuDNN] an engine that sums in 16 bits");
  if (exact_f32 &&
      (noted(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) || noted(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) ||
       noted(CUDNN_NUMERICAL_NOTE_WINOGRAD) || noted(CUDNN_NUMERICAL_NOTE_FFT)))
    return Error(ErrorKind::kUnsupported, "[cuDNN] an engine that rounds float32");
  std::array<cudnnBackendBehaviorNote_t, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT> behaviours{};
  std::int64_t behaviour_count = 0;
  dnn.get(engine.get(), CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE,
          static_cast<std::int64_t>(behaviours.size()), &behaviour_count, behaviours.data());
  auto last = behaviours.begin() +
              std::clamp<std::int64_t>(behaviour_count, 0, static_cast<int>(behaviours.size()));
  bool compiles =
      std::find(behaviours.begin(), last, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) != last;

  Descriptor plan = make(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  void* config_raw = config.get();
  status = dnn.set(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG,
                   CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &config_raw);
  cudnnHandle_t handle = context_.dnn;
  if (status == CUDNN_STATUS_SUCCESS)
    status = dnn.set(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  if (status == CUDNN_STATUS_SUCCESS) status = dnn.finalize(plan.get());
  if (status != CUDNN_STATUS_SUCCESS) return dnn_error(dnn, status, "compiling a plan");
  DnnPlan made;
  std::int64_t workspace = 0;
  dnn.get(plan.get(), CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count,
          &workspace);
  made.dnn_ = &dnn;
  made.handle_ = handle;
  made.plan_ = plan.get();
  made.alive_ = {config, engine, plan};
  made.workspace_bytes_ = static_cast<std::size_t>(workspace);
  made.engine_ = fmt::format("engine {}{}", index, compiles ? " (compiled at run time)" : "");
  return made;
}

Result<std::vector<DnnPlan>> DnnGraph::plans(bool exact_f32, std::size_t limit,
                                             std::size_t workspace_limit) && {
  const Dnn& dnn = context_.libraries.dnn;
  Descriptor graph = create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  std::vector<void*> operations;
  for (const Descriptor& operation : operations_) operations.push_back(operation.get());
  cudnnHandle_t handle = context_.dnn;
  set(graph, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
      static_cast<std::int64_t>(operations.size()), operations.data());
  set(graph, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
  finalize(graph, "a graph");
  if (error_) return *error_;

  std::vector<DnnPlan> plans;
  std::string reason = "no engine";
  for (cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    if (!plans.empty()) break;
    Descriptor heuristic = make(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
    set(heuristic, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
    set(heuristic, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
    if (error_) return *error_;
    if (cudnnStatus_t status = dnn.finalize(heuristic.get()); status != CUDNN_STATUS_SUCCESS) {
      reason = last_error(dnn, status);
      continue;
    }
    std::int64_t count = 0;
    dnn.get(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0,
            &count, nullptr);
    std::vector<Descriptor> configs;
    std::vector<void*> raw;
    for (std::int64_t i = 0; i < count; ++i) {
      configs.push_back(make(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
      raw.push_back(configs.back().get());
    }
    std::int64_t filled = 0;
    dnn.get(heuristic.get(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, count,
            &filled, raw.data());
    for (std::int64_t i = 0; i < filled && plans.size() < limit; ++i) {
      Result<DnnPlan> plan = compile(configs[static_cast<std::size_t>(i)], exact_f32);
      if (!plan.ok()) {
        reason = plan.error().message();
      } else if (plan->workspace_bytes() > workspace_limit) {
        reason = "it wants a workspace of " + memory_text(plan->workspace_bytes());
      } else {
        plans.push_back(*std::move(plan));
      }
    }
  }
  if (plans.empty()) return Error(ErrorKind::kUnsupported, "[cuDNN] " + reason);
  for (DnnPlan& plan : plans) plan.alive_.insert(plan.alive_.begin(), alive_.begin(), alive_.end());
  return plans;
}

}  // namespace obscura::backend::cuda
