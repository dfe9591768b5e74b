// What one module of an adapter does to one stored tensor, by the formula of its family.
//
//   LoRA, LoCon  arXiv:2106.09685    LoHa  arXiv:2108.06098    LoKr, OFT in LyCORIS
//   arXiv:2309.14859 DoRA         arXiv:2402.09353    (IA)^3  arXiv:2205.05638  GLoRA
//   arXiv:2306.07967 OFT          arXiv:2306.07280    BOFT  arXiv:2311.06243
//
// A weight (out, in, …) is taken as a matrix of `out` rows; a convolution's kernel lies within its
// columns, the input channels outermost.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapter/adapter_file.h"
#include "base/result.h"
#include "tensor/shape.h"

namespace obscura::adapter {

// The weight that a delta is for.
struct WeightShape {
  explicit WeightShape(const Shape& of) : shape(of) {
    rows = shape.rank() == 0 ? 1 : shape[0];
    columns = rows == 0 ? 0 : shape.elements() / rows;
    inputs = shape.rank() < 2 ? columns : shape[1];
    kernel = inputs == 0 ? 0 : columns / inputs;
  }
  Shape shape;
  std::int64_t rows = 0, columns = 0;   // of the matrix
  std::int64_t inputs = 0, kernel = 0;  // columns = inputs * kernel
};

// Borrows the adapter file's entries. Immutable; thread safe.
class Delta {
 public:
  virtual ~Delta() = default;
  // weight += strength * what the adapter was trained to add. `weight` holds weight_shape().shape
  // elements. kCorrupt, naming the tensor, if the adapter holds a NaN or an infinity.
  virtual Status add(double strength, float* weight) const = 0;
};
using DeltaPtr = std::unique_ptr<const Delta>;

// The deltas of a module for its weight and its bias, in the order in which they are made.
struct ModuleDeltas {
  std::vector<DeltaPtr> weight, bias;
  std::vector<const io::TensorEntry*> unused;  // tensors that no family asks for
};

// Errors name the module: kInvalidInput if the sizes are not those of the weight (the adapter is
// for another model), kCorrupt if they do not fit each other, if a factor is missing, or if alpha
// is not a number. `weight` and `bias` may be null: the module has none.
Result<ModuleDeltas> make_deltas(const AdapterFile& adapter, const AdapterModule& module,
                                 const Shape* weight, const Shape* bias);

}  // namespace obscura::adapter
