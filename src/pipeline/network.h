// Runs a Program with tensors: the step between arithmetic on the host and bytes on a device.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// An input by name: float32, or whole numbers for an int32 input (token ids).
struct NamedInput {
  std::string_view name;
  std::variant<Tensor, std::vector<std::int32_t>> value;
};

// The outputs that are named, in that order. Errors of Session::run.
Result<std::vector<Tensor>> run_network(runtime::Session& session, runtime::Program& program,
                                        const std::vector<NamedInput>& inputs,
                                        const std::vector<std::string_view>& outputs,
                                        const CancelToken& cancel);

}  // namespace obscura::pipeline
