// An operation: its shape rule, its plain definition and its gradient. One file an op family
// declares the class and a free function that adds it to a Builder; a backend registers kernels
// under the same name. An op with one result, as nearly all are, is a SingleResultOp.
//
// Ops are immutable and shared between graphs; all methods are thread safe.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ir/value.h"

namespace obscura::ir {

class Builder;

// An operand of a plain definition: host memory that somebody else owns.
struct ConstArray {
  ValueType type;
  const void* data = nullptr;

  const float* f32() const { return static_cast<const float*>(data); }
  const std::int32_t* i32() const { return static_cast<const std::int32_t*>(data); }
  std::int64_t size(int axis) const { return type.shape[axis]; }
};

struct Array {
  ValueType type;
  void* data = nullptr;

  float* f32() const { return static_cast<float*>(data); }
  std::int32_t* i32() const { return static_cast<std::int32_t*>(data); }
  std::int64_t size(int axis) const { return type.shape[axis]; }
};

class Op {
 public:
  virtual ~Op() = default;

  // Names the kernel: "conv2d". Backends look it up.
  virtual std::string_view name() const = 0;

  // Name and every attribute, in a fixed order: equal texts mean equal ops. Keys of kernel caches
  // and graph dumps.
  virtual std::string text() const = 0;

  // The types of the results, at least one, or an error `[name] what was wanted, what was found`.
  virtual Result<std::vector<ValueType>> infer_all(std::span<const ValueType> inputs) const = 0;

  // The plain definition, in the simplest loops that are right: documentation, oracle of the tests,
  // and the fallback of a backend without a kernel. Accumulates in double. The arrays do not
  // overlap.
  virtual void evaluate_all(std::span<const ConstArray> inputs,
                            std::span<const Array> outputs) const = 0;

  // Adds to `builder` the gradients of the inputs, given those of the results; kNoValue for an
  // input that has none. kUnsupported unless an op overrides it.
  virtual Result<std::vector<ValueId>> gradient(Builder& builder, std::span<const ValueId> inputs,
                                                std::span<const ValueId> outputs,
                                                std::span<const ValueId> output_gradients) const;

  // True if the result, which is the only one, is the input's memory under another shape.
  virtual bool is_view() const { return false; }
};

class SingleResultOp : public Op {
 public:
  virtual Result<ValueType> infer(std::span<const ValueType> inputs) const = 0;
  virtual void evaluate(std::span<const ConstArray> inputs, const Array& output) const = 0;

  Result<std::vector<ValueType>> infer_all(std::span<const ValueType> inputs) const final;
  void evaluate_all(std::span<const ConstArray> inputs, std::span<const Array> outputs) const final;
};

using OpPtr = std::shared_ptr<const Op>;

// `[name] message`, of kind kInvalidInput.
Error shape_error(const Op& op, const std::string& message);
// `[name] input i wants <wanted>, got <found>`.
Error operand_error(const Op& op, int input, const std::string& wanted, const ValueType& found);

}  // namespace obscura::ir
