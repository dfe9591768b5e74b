// The calls of cuDNN's graph interface that the backend makes: a library of its own, opened like
// NVIDIA's. Descriptors keep what is set; a plan computes its operations one after the other, each
// by its definition, in float32.
#include <cudnn.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "backend/cuda/emulation/library.h"
#include "backend/cuda/emulation/runtime.h"

namespace emulation = obscura::test::emulation;
using emulation::Array;
using emulation::Dims;
using obscura::DType;

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace {

// Of each graph, as if there were a choice.
constexpr std::int64_t kEngines = 2;

struct Descriptor : emulation::Attributes {
  cudnnBackendDescriptorType_t type = CUDNN_BACKEND_POINTWISE_DESCRIPTOR;

  const Descriptor& descriptor(int name) const { return *one<const Descriptor*>(name); }
  std::vector<const Descriptor*> operations() const {
    return all<const Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  }
};

Descriptor& of(cudnnBackendDescriptor_t descriptor) {
  return *static_cast<Descriptor*>(descriptor);
}

std::size_t bytes_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
      return sizeof(bool);
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    default:
      return 4;  // floats and enumerations
  }
}

bool has_engine(const Descriptor& graph) {
  const auto operations = graph.operations();
  const cudnnBackendDescriptorType_t first = operations.at(0)->type;
  switch (emulation::library_engines()) {
    case emulation::Engines::kAll:
      return true;
    case emulation::Engines::kNoAttentionOperation:
      return first != CUDNN_BACKEND_OPERATION_SDPA_FWD_DESCRIPTOR;
    default:
      return operations.size() == 1 &&
             first == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
  }
}

float apply(cudnnPointwiseMode_t mode, float a, float b) {
  switch (mode) {
    case CUDNN_POINTWISE_ADD:
      return a + b;
    case CUDNN_POINTWISE_SUB:
      return a - b;
    case CUDNN_POINTWISE_MUL:
      return a * b;
    case CUDNN_POINTWISE_DIV:
      return a / b;
    case CUDNN_POINTWISE_EXP:
      return std::exp(a);
    case CUDNN_POINTWISE_LOG:
      return std::log(a);
    default:
      emulation::die("cuDNN: another pointwise mode");
  }
}

float reduced(cudnnReduceTensorOp_t how, const float* row, std::int64_t count) {
  if (how == CUDNN_REDUCE_TENSOR_MAX) return *std::max_element(row, row + count);
  return std::accumulate(row, row + count, 0.0f);
}

// One execution of a plan.
class Run {
 public:
  Run(std::vector<const Descriptor*> operations, const Descriptor& pack)
      : operations_(std::move(operations)),
        workspace_(pack.one<void*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE)) {
    const auto ids = pack.all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
    const auto pointers = pack.all<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
    for (std::size_t i = 0; i < ids.size(); ++i) bound_[ids[i]] = pointers.at(i);
    emulation::expect_on_device(workspace_, emulation::kWorkspaceBytes, "a plan's workspace");
  }

  void operator()() {
    emulation::use_workspace(workspace_);
    for (const Descriptor* operation : operations_) compute(*operation);
  }

 private:
  // Where the tensor lies: in memory, or, where it is virtual, here.
  Array array(const Descriptor& t) {
    const auto id = t.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
    const auto type = t.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
    Array result{type == CUDNN_DATA_HALF       ? DType::kF16
                 : type == CUDNN_DATA_BFLOAT16 ? DType::kBF16
                                               : DType::kF32,
                 nullptr, t.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS),
                 t.all<std::int64_t>(CUDNN_ATTR_TENSOR_STRIDES)};
    if (t.one_or(CUDNN_ATTR_TENSOR_IS_VIRTUAL, '\0') != 0) {
      auto& values = made_[id];
      values.resize(static_cast<std::size_t>(emulation::count_of(result.dims)));
      return {DType::kF32, values.data(), result.dims, emulation::dense(result.dims)};
    }
    if (!bound_.contains(id)) emulation::die(fmt::format("cuDNN: tensor {} is not bound", id));
    result.data = bound_[id];
    if (t.one_or(CUDNN_ATTR_TENSOR_IS_BY_VALUE, '\0') == 0)
      emulation::expect_on_device(result.data, result.bytes(), "a tensor");
    return result;
  }

  std::vector<float> read(const Array& from) {
    read_.push_back(from);
    return emulation::load(from);
  }
  void write(const std::vector<float>& values, const Array& to) {
    for (const Array& other : read_)
      emulation::expect_apart(other.data, other.bytes(), to.data, to.bytes(), "a tensor");
    emulation::store(values, to);
  }

  void compute(const Descriptor& operation) {
    auto at = [&](int name) { return array(operation.descriptor(name)); };
    switch (operation.type) {
      case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
        return convolve(operation.descriptor(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC),
                        at(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X).ordered({0, 2, 3, 1}),
                        at(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W).ordered({0, 2, 3, 1}),
                        at(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y).ordered({0, 2, 3, 1}));
      case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: {
        const bool binary = operation.has(CUDNN_ATTR_OPERATION_POINTWISE_BDESC);
        return pointwise(operation.descriptor(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR),
                         at(CUDNN_ATTR_OPERATION_POINTWISE_XDESC),
                         at(binary ? CUDNN_ATTR_OPERATION_POINTWISE_BDESC
                                   : CUDNN_ATTR_OPERATION_POINTWISE_XDESC),
                         at(CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
      }
      case CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR:
        return write(multiplied(read(at(CUDNN_ATTR_OPERATION_MATMUL_ADESC)),
                                at(CUDNN_ATTR_OPERATION_MATMUL_BDESC)),
                     at(CUDNN_ATTR_OPERATION_MATMUL_CDESC));
      case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR:
        return reduce(operation.descriptor(CUDNN_ATTR_OPERATION_REDUCTION_DESC),
                      at(CUDNN_ATTR_OPERATION_REDUCTION_XDESC),
                      at(CUDNN_ATTR_OPERATION_REDUCTION_YDESC));
      default:
        return attend(at(CUDNN_ATTR_OPERATION_SDPA_FWD_QDESC),
                      at(CUDNN_ATTR_OPERATION_SDPA_FWD_KDESC),
                      at(CUDNN_ATTR_OPERATION_SDPA_FWD_VDESC),
                      read(at(CUDNN_ATTR_OPERATION_SDPA_FWD_SCALEDESC)).at(0),
                      at(CUDNN_ATTR_OPERATION_SDPA_FWD_ODESC));
    }
  }

  // All with channels last.
  void convolve(const Descriptor& how, const Array& x, const Array& w, const Array& y) {
    const Dims stride = how.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
               before = how.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
    const std::vector<float> image = read(x), filter = read(w);
    const std::int64_t height = x.dims[1], width = x.dims[2], channels = x.dims[3];
    std::vector<float> sums;
    auto add = [&](std::int64_t n, std::int64_t top, std::int64_t left, std::int64_t o) {
      float sum = 0;
      for (std::int64_t i = std::max<std::int64_t>(0, -top); i < std::min(w.dims[1], height - top);
           ++i)
        for (std::int64_t j = std::max<std::int64_t>(0, -left);
             j < std::min(w.dims[2], width - left); ++j)
          sum += emulation::dot(
              image.data() + ((n * height + top + i) * width + left + j) * channels,
              filter.data() + ((o * w.dims[1] + i) * w.dims[2] + j) * channels, channels);
      sums.push_back(sum);
    };
    for (std::int64_t n = 0; n < y.dims[0]; ++n)
      for (std::int64_t row = 0; row < y.dims[1]; ++row)
        for (std::int64_t column = 0; column < y.dims[2]; ++column)
          for (std::int64_t o = 0; o < y.dims[3]; ++o)
            add(n, row * stride[0] - before[0], column * stride[1] - before[1], o);
    write(sums, y);
  }

  void pointwise(const Descriptor& how, const Array& a, const Array& b, const Array& y) {
    const auto mode = how.one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
    std::vector<float> values = read(a.repeated(y.dims));
    const std::vector<float> others = read(b.repeated(y.dims));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = apply(mode, values[i], others[i]);
    write(values, y);
  }

  // Of rows, the innermost axis.
  void reduce(const Descriptor& how, const Array& x, const Array& y) {
    const auto by = how.one<cudnnReduceTensorOp_t>(CUDNN_ATTR_REDUCTION_OPERATOR);
    const std::vector<float> values = read(x);
    std::vector<float> results;
    for (std::size_t row = 0; row < values.size(); row += static_cast<std::size_t>(x.dims[3]))
      results.push_back(reduced(by, values.data() + row, x.dims[3]));
    write(results, y);
  }

  // (N, H, rows, depth) times (N, H, depth, columns).
  std::vector<float> multiplied(const std::vector<float>& a, const Array& b) {
    const std::int64_t depth = b.dims[2], columns = b.dims[3];
    const std::int64_t rows = static_cast<std::int64_t>(a.size()) / (b.dims[0] * b.dims[1] * depth);
    return emulation::product(a, read(b.ordered({0, 1, 3, 2})), rows, columns, depth);
  }

  void attend(const Array& q, const Array& k, const Array& v, float scale, const Array& o) {
    std::vector<float> scores = multiplied(read(q), k.ordered({0, 1, 3, 2}));
    const std::int64_t keys = k.dims[2];
    for (auto row = scores.begin(); row != scores.end(); row += keys) {
      const float largest = *std::max_element(row, row + keys);
      float sum = 0;
      for (auto s = row; s != row + keys; ++s) sum += * s = std::exp((*s - largest) * scale);
      for (auto s = row; s != row + keys; ++s) *s /= sum;
    }
    write(multiplied(scores, v), o);
  }

  std::vector<const Descriptor*> operations_;
  void* workspace_;
  std::map<std::int64_t, void*> bound_;
  std::map<std::int64_t, std::vector<float>> made_;
  std::vector<Array> read_;
};

}  // namespace

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  *handle = new cudnnContext();
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  delete handle;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return CUDNN_STATUS_SUCCESS;
}
std::size_t cudnnGetVersion() {
  return CUDNN_VERSION;
}
const char* cudnnGetErrorString(cudnnStatus_t) {
  return "refused by the emulation";
}
void cudnnGetLastErrorString(char* message, std::size_t) {
  message[0] = '\0';
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  auto* made = new Descriptor();
  made->type = type;
  *descriptor = made;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  delete &of(descriptor);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count,
                                       const void* values) {
  of(descriptor).set(name, values, static_cast<std::size_t>(count) * bytes_of(type));
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  const Descriptor& d = of(descriptor);
  const bool refused = d.type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR &&
                       !has_engine(d.descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH));
  return refused ? CUDNN_STATUS_NOT_SUPPORTED : CUDNN_STATUS_SUCCESS;
}

// Engines have no notes. An engine is its graph and a number, and so is its configuration.
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, std::int64_t wanted,
                                       std::int64_t* count, void* values) {
  const Descriptor& d = of(descriptor);
  auto** results = static_cast<Descriptor**>(values);
  *count = 0;
  if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS) {
    const auto* graph = &d.descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    for (std::int64_t i = 0; i < std::min(wanted, kEngines); ++i) {
      results[i]->set(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, &graph, sizeof(void*));
      results[i]->set(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, &i, sizeof i);
    }
    *count = kEngines;
  } else if (name == CUDNN_ATTR_ENGINECFG_ENGINE) {
    static_cast<emulation::Attributes&>(*results[0]) = d;
  } else if (name == CUDNN_ATTR_ENGINE_GLOBAL_INDEX) {
    *static_cast<std::int64_t*>(values) = d.one<std::int64_t>(name);
  } else if (name == CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE) {
    *static_cast<std::int64_t*>(values) = emulation::kWorkspaceBytes;
  }
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  const Descriptor& config = of(plan).descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  const Run run(config.descriptor(CUDNN_ATTR_ENGINE_OPERATION_GRAPH).operations(), of(pack));
  // Each replay starts from what was bound.
  const cudaError_t error = emulation::enqueue(handle->stream, [run] { Run{run}(); });
  return error == cudaSuccess ? CUDNN_STATUS_SUCCESS : CUDNN_STATUS_EXECUTION_FAILED;
}
