// A place in a network, by the network's own name for it: "input_blocks.1.0.in_layers".
//
// Layers (nn/linear.h, nn/conv.h, …) read their weights under the place's name and give it to the
// nodes that they add, so that errors, plans, taps and adapters all speak of the same places. A
// Scope borrows its Builder and is cheap to copy. Not thread safe.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "ir/graph.h"

namespace obscura::nn {

class Scope {
 public:
  // The root: names have no prefix. Weights are those of `source`, which the builder knows.
  // `builder` must outlive every Scope made from it.
  explicit Scope(ir::Builder& builder, std::string source = "")
      : builder_(&builder), source_(std::move(source)) {}

  // The place `part` inside this one. `scope / "in_layers.2"`, `scope / 3`.
  Scope operator/(std::string_view part) const;
  Scope operator/(int index) const { return *this / std::to_string(index); }

  // Gives the place's name to the nodes added from now on.
  ir::Builder& enter() const;
  ir::Builder& builder() const { return *builder_; }
  const std::string& path() const { return path_; }
  const std::string& source() const { return source_; }

  // The full name of a tensor of this place.
  std::string name_of(std::string_view tensor) const;
  // The shape of a tensor of this place; nullptr if there is none. What a file holds decides what
  // is built.
  const Shape* find(std::string_view tensor) const;
  bool has(std::string_view tensor) const { return find(tensor) != nullptr; }
  // True if the place has any of these: a file that lacks one tensor of a layer has the layer
  // still, and is refused for the tensor.
  bool has_any(std::initializer_list<std::string_view> tensors) const;
  // One axis of a stored tensor. Fails the builder and returns 1 if there is no such tensor or
  // axis.
  std::int64_t size(std::string_view tensor, int axis) const;

  ir::ValueId weight(std::string_view tensor) const {
    return builder_->weight(name_of(tensor), source_);
  }
  // The same, viewed as `shape`.
  ir::ValueId weight(std::string_view tensor, Shape shape) const {
    return builder_->weight(name_of(tensor), shape, source_);
  }
  // kNoValue, and no error, if there is no such tensor.
  ir::ValueId optional_weight(std::string_view tensor) const;

 private:
  ir::Builder* builder_;
  std::string source_, path_;
};

}  // namespace obscura::nn
