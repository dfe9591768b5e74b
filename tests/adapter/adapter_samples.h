// Adapter files made in memory.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "adapter/adapted_weights.h"
#include "io/safetensors_writer.h"

namespace obscura::adapter {

struct SampleTensor {
  Shape shape;
  std::vector<float> values;
};
using SampleTensors = std::map<std::string, SampleTensor>;

inline SampleTensor random_tensor(std::mt19937& random, Shape shape) {
  SampleTensor tensor{shape, {}};
  std::uniform_real_distribution<float> distribution(-1, 1);
  for (std::int64_t i = 0; i < shape.elements(); ++i) tensor.values.push_back(distribution(random));
  return tensor;
}

inline SampleTensor number(double value) {
  return {Shape{}, {static_cast<float>(value)}};
}

inline std::vector<std::byte> file_bytes(const SampleTensors& tensors,
                                         const io::SafetensorsMetadata& metadata = {}) {
  std::vector<io::TensorDeclaration> declarations;
  for (const auto& [name, tensor] : tensors)
    declarations.push_back({name, DType::kF32, tensor.shape});
  std::string header = io::safetensors_header(declarations, metadata);
  auto header_bytes = std::as_bytes(std::span(header));
  std::vector<std::byte> bytes(header_bytes.begin(), header_bytes.end());
  for (const auto& [name, tensor] : tensors) {
    auto data = std::as_bytes(std::span(tensor.values));
    bytes.insert(bytes.end(), data.begin(), data.end());
  }
  return bytes;
}

// An opened adapter and the bytes that it reads.
struct Sample {
  std::shared_ptr<const std::vector<std::byte>> bytes;
  std::shared_ptr<const AdapterFile> file;

  explicit Sample(const SampleTensors& tensors, const io::SafetensorsMetadata& metadata = {})
      : bytes(std::make_shared<const std::vector<std::byte>>(file_bytes(tensors, metadata))),
        file(AdapterFile::parse(*bytes, "sample", "sample").value()) {}
};

// A network whose tensors are given.
inline std::shared_ptr<runtime::WeightStore> store_of(const SampleTensors& tensors,
                                                      const std::string& identity = "base") {
  auto owner = std::make_shared<SampleTensors>(tensors);
  auto store = std::make_shared<runtime::WeightStore>(identity, owner);
  for (const auto& [name, tensor] : *owner)
    store->add(name, {DType::kF32, tensor.shape, std::as_bytes(std::span(tensor.values))});
  return store;
}

inline Result<std::vector<float>> read(runtime::WeightStore& store, const std::string& tensor) {
  const Shape& shape = *store.find(tensor);
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  OBSCURA_TRY(store.read({{tensor}, shape}, values.data()));
  return values;
}

}  // namespace obscura::adapter
