// The part of cuDNN's graph interface that the backend calls, as NVIDIA documents it, computed on
// the CPU: a library of its own, opened like NVIDIA's. It has an engine for any graph of the
// operations that cudnn_graph.cpp knows, one after the other in float32.
#include <cudnn.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "backend/cuda/emulation/cudnn_graph.h"
#include "backend/cuda/emulation/runtime.h"

namespace emulation = obscura::test::emulation;
using emulation::Descriptor;

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace {

// Of each graph, as if there were a choice.
constexpr std::size_t kEngines = 2;

std::size_t bytes_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
      return sizeof(bool);
    case CUDNN_TYPE_FLOAT:
      return sizeof(float);
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    default:
      return sizeof(int);  // all others are enumerations
  }
}

Descriptor& as_descriptor(cudnnBackendDescriptor_t descriptor) {
  return *static_cast<Descriptor*>(descriptor);
}

void set_one(Descriptor& d, cudnnBackendAttributeName_t name, const void* value,
             std::size_t bytes) {
  const auto* begin = static_cast<const std::byte*>(value);
  d.attributes[name].assign(begin, begin + bytes);
}

std::vector<const Descriptor*> operations_of(const Descriptor& graph) {
  return graph.all<const Descriptor*>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
}

bool has_engine(const Descriptor& graph) {
  const auto operations = operations_of(graph);
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

const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == CUDNN_STATUS_SUCCESS ? "success" : "refused by the emulation";
}

void cudnnGetLastErrorString(char* message, std::size_t bytes) {
  if (bytes > 0) message[0] = '\0';
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  *descriptor = new Descriptor{.type = type, .attributes = {}};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  delete static_cast<Descriptor*>(descriptor);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count,
                                       const void* values) {
  Descriptor& d = as_descriptor(descriptor);
  if (d.final || count < 0) return CUDNN_STATUS_BAD_PARAM;
  set_one(d, name, values, static_cast<std::size_t>(count) * bytes_of(type));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  Descriptor& d = as_descriptor(descriptor);
  if (d.final) return CUDNN_STATUS_BAD_PARAM;
  if (d.type == CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR &&
      !has_engine(d.descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH)))
    return CUDNN_STATUS_NOT_SUPPORTED;
  d.final = true;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t, std::int64_t wanted,
                                       std::int64_t* count, void* values) {
  const Descriptor& d = as_descriptor(descriptor);
  if (!d.final) return CUDNN_STATUS_BAD_PARAM;
  auto give_number = [&](std::int64_t number) {
    *count = 1;
    std::memcpy(values, &number, sizeof number);
    return CUDNN_STATUS_SUCCESS;
  };
  switch (name) {
    case CUDNN_ATTR_ENGINEHEUR_RESULTS: {
      *count = kEngines;
      auto** configs = static_cast<Descriptor**>(values);
      const auto* graph = &d.descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
      for (std::int64_t i = 0; i < std::min<std::int64_t>(wanted, kEngines); ++i) {
        set_one(*configs[i], CUDNN_ATTR_ENGINE_OPERATION_GRAPH, &graph, sizeof(void*));
        set_one(*configs[i], CUDNN_ATTR_ENGINE_GLOBAL_INDEX, &i, sizeof i);
        configs[i]->final = true;
      }
      return CUDNN_STATUS_SUCCESS;
    }
    case CUDNN_ATTR_ENGINECFG_ENGINE: {
      Descriptor* engine = *static_cast<Descriptor**>(values);
      engine->attributes = d.attributes;
      engine->final = true;
      *count = 1;
      return CUDNN_STATUS_SUCCESS;
    }
    case CUDNN_ATTR_ENGINE_GLOBAL_INDEX:
      return give_number(d.one<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
    case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE:
    case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE:
      *count = 0;
      return CUDNN_STATUS_SUCCESS;
    case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE:
      return give_number(emulation::kPlanWorkspaceBytes);
    default:
      return CUDNN_STATUS_NOT_SUPPORTED;
  }
}

cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                                  cudnnBackendDescriptor_t pack) {
  const Descriptor& config =
      as_descriptor(plan).descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
  auto run = emulation::make_run(
      operations_of(config.descriptor(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)), as_descriptor(pack));
  return emulation::enqueue(handle->stream, std::move(run)) == cudaSuccess
             ? CUDNN_STATUS_SUCCESS
             : CUDNN_STATUS_EXECUTION_FAILED;
}
