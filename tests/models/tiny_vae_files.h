// Files of TAESD at any width, with weights that PyTorch makes too.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "io/safetensors_writer.h"
#include "tensor/tensor.h"

namespace obscura::models {

using TinyShapes = std::map<std::string, Shape>;  // in the order by which weights are numbered

inline void add_convolution(TinyShapes& shapes, const std::string& name, std::int64_t from,
                            std::int64_t to, bool has_bias = true) {
  shapes[name + ".weight"] = Shape{to, from, 3, 3};
  if (has_bias) shapes[name + ".bias"] = Shape{to};
}

inline void add_tiny_blocks(TinyShapes& shapes, int first, int count, std::int64_t width) {
  for (int i = first; i < first + count; ++i)
    for (const char* part : {".conv.0", ".conv.2", ".conv.4"})
      add_convolution(shapes, std::to_string(i) + part, width, width);
}

inline TinyShapes tiny_decoder_shapes(std::int64_t width) {
  TinyShapes shapes;
  add_convolution(shapes, "1", 4, width);
  for (int stage = 0; stage < 3; ++stage) {
    add_tiny_blocks(shapes, 3 + 5 * stage, 3, width);
    add_convolution(shapes, std::to_string(7 + 5 * stage), width, width, false);
  }
  add_tiny_blocks(shapes, 18, 1, width);
  add_convolution(shapes, "19", width, 3);
  return shapes;
}

inline TinyShapes tiny_encoder_shapes(std::int64_t width) {
  TinyShapes shapes;
  add_convolution(shapes, "0", 3, width);
  add_tiny_blocks(shapes, 1, 1, width);
  for (int stage = 0; stage < 3; ++stage) {
    add_convolution(shapes, std::to_string(2 + 4 * stage), width, width, false);
    add_tiny_blocks(shapes, 3 + 4 * stage, 3, width);
  }
  add_convolution(shapes, "14", width, 4);
  return shapes;
}

struct NamedWeight {
  std::string name;
  Tensor values;
};

// As PyTorch fills them: the k-th by name is a sine of its own frequency.
inline std::vector<NamedWeight> filled(const TinyShapes& shapes) {
  std::vector<NamedWeight> weights;
  for (const auto& [name, shape] : shapes) {
    const double frequency = 0.37 + 0.013 * static_cast<double>(weights.size());
    const std::int64_t fan_in = shape.rank() > 1 ? shape.elements() / shape[0] : 16;
    Tensor values(shape);
    for (std::int64_t i = 0; i < shape.elements(); ++i)
      values.data()[i] = static_cast<float>(std::sin(frequency * static_cast<double>(i)) * 1.5 /
                                            std::sqrt(static_cast<double>(fan_in)));
    weights.push_back({name, std::move(values)});
  }
  return weights;
}

inline void write_weights(const std::filesystem::path& path,
                          const std::vector<NamedWeight>& weights) {
  std::vector<io::TensorDeclaration> declared;
  for (const NamedWeight& weight : weights)
    declared.push_back({weight.name, DType::kF32, weight.values.shape()});
  auto writer = io::SafetensorsWriter::create(path, declared).value();
  for (const NamedWeight& weight : weights)
    EXPECT_TRUE(writer.write(weight.name, std::as_bytes(weight.values.values())).ok());
  EXPECT_TRUE(writer.commit().ok());
}

}  // namespace obscura::models
