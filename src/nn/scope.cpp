#include "nn/scope.h"

namespace obscura::nn {

Scope Scope::operator/(std::string_view part) const {
  Scope inner(*builder_, source_);
  inner.path_ = name_of(part);
  return inner;
}

ir::Builder& Scope::enter() const {
  builder_->set_scope(path_);
  return *builder_;
}

std::string Scope::name_of(std::string_view tensor) const {
  return path_.empty() ? std::string(tensor) : path_ + "." + std::string(tensor);
}

const Shape* Scope::find(std::string_view tensor) const {
  const ir::WeightIndex* weights = builder_->source(source_);
  OBSCURA_CHECK(weights != nullptr, "no source of weights is named " + source_);
  return weights->find(name_of(tensor));
}

bool Scope::has_any(std::initializer_list<std::string_view> tensors) const {
  for (std::string_view tensor : tensors) {
    if (has(tensor)) return true;
  }
  return false;
}

std::int64_t Scope::size(std::string_view tensor, int axis) const {
  const Shape* shape = find(tensor);
  if (shape == nullptr) {
    builder_->fail(
        Error(ErrorKind::kInvalidInput, "the checkpoint has no tensor " + name_of(tensor)));
    return 1;
  }
  if (axis >= shape->rank() || (*shape)[axis] == 0) {
    builder_->fail(
        Error(ErrorKind::kInvalidInput, "tensor " + name_of(tensor) + " wants a size on axis " +
                                            std::to_string(axis) + ", is " + shape->text()));
    return 1;
  }
  return (*shape)[axis];
}

ir::ValueId Scope::optional_weight(std::string_view tensor) const {
  return has(tensor) ? weight(tensor) : ir::kNoValue;
}

}  // namespace obscura::nn
