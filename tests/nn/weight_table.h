// Weights by name, for building and evaluating small graphs.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "ir/evaluate.h"
#include "ir/graph.h"
#include "tensor/tensor.h"

namespace obscura::nn {

class WeightTable final : public ir::WeightIndex {
 public:
  void add(const std::string& name, Tensor tensor) {
    shapes_[name] = tensor.shape();
    tensors_[name] = std::move(tensor);
  }
  // Numbers without a pattern in -1…1, other ones for each name.
  void add(const std::string& name, Shape shape) {
    Tensor tensor(shape);
    double phase = static_cast<double>(tensors_.size());
    for (std::int64_t i = 0; i < tensor.elements(); ++i) {
      tensor.data()[i] = static_cast<float>(std::sin(phase + 12.9898 * static_cast<double>(i)));
    }
    add(name, std::move(tensor));
  }

  const Tensor& at(const std::string& name) const { return tensors_.at(name); }
  const Shape* find(std::string_view name) const override {
    auto found = shapes_.find(name);
    return found == shapes_.end() ? nullptr : &found->second;
  }
  ir::WeightReader reader() const {
    return [this](const ir::WeightSpec& spec) -> Result<Tensor> {
      return tensors_.at(spec.parts[0]).reshaped(spec.shape);
    };
  }

 private:
  std::map<std::string, Shape, std::less<>> shapes_;
  std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace obscura::nn
