// What the calls of a pickle come to: tensors noted, containers built. No function exists here;
// what would do more than that is refused by its name.
//
// Not thread safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/pickle_values.h"
#include "io/torch_pickle.h"
#include "tensor/dtype.h"

namespace obscura::io {

// kUnsupported: the pickle wants to call this.
Error refused_call(std::string_view module, std::string_view name);

// Errors besides are kCorrupt, and kUnsupported for tensors of another type.
class PickleCalls {
 public:
  // `values` is borrowed.
  explicit PickleCalls(PickleValues& values) : values_(values) {}

  // Takes arguments and a function from the stack, and puts there what the call gives.
  Status call();
  // Takes attributes from the stack, for what is topmost then: a ParameterDict keeps its tensors
  // there.
  Status build();
  // Takes ("storage", type, key, device, elements), and puts the storage.
  Status push_storage();

  // By the number that a value of the kind kTensor holds; nameless.
  const std::vector<PickledTensor>& tensors() const { return tensors_; }

 private:
  using Refs = std::vector<PickleRef>;
  Status count_pairs(std::size_t count);
  Status make_dict(const Refs& arguments);
  Status rebuild_tensor(const Refs& items, bool typed);
  Result<std::vector<std::int64_t>> sizes_of(PickleRef tuple) const;

  PickleValues& values_;
  std::vector<PickledTensor> tensors_;
  std::size_t pairs_ = 0;  // of dictionaries that were copied
};

}  // namespace obscura::io
