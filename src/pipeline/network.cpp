#include "pipeline/network.h"

namespace obscura::pipeline {
namespace {

std::span<const std::byte> bytes_of(const NamedInput& input) {
  if (const auto* tensor = std::get_if<Tensor>(&input.value))
    return std::as_bytes(tensor->values());
  return std::as_bytes(std::span(std::get<std::vector<std::int32_t>>(input.value)));
}

}  // namespace

Result<std::vector<Tensor>> run_network(runtime::Session& session, runtime::Program& program,
                                        const std::vector<NamedInput>& inputs,
                                        const std::vector<std::string_view>& outputs,
                                        const CancelToken& cancel) {
  std::vector<backend::InputBinding> sources;
  for (const NamedInput& input : inputs) sources.push_back({input.name, bytes_of(input)});
  std::vector<Tensor> results;
  std::vector<backend::OutputBinding> targets;
  for (std::string_view name : outputs) {
    ir::ValueId id = program.graph().output(name);
    OBSCURA_CHECK(id != ir::kNoValue, program.graph().name + " has no output " + std::string(name));
    results.emplace_back(program.graph().type(id).shape);
    targets.push_back({name, std::as_writable_bytes(results.back().values())});
  }
  OBSCURA_TRY(session.run(program, sources, targets, cancel));
  return results;
}

}  // namespace obscura::pipeline
