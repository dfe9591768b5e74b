// What must hold for any text given as a workflow: reading, validating and running it ends with a
// result or an error, and what was read can be written and read again.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/check.h"
#include "graph/executor.h"
#include "graph/test_nodes.h"
#include "graph/workflow_file.h"

namespace obscura::fuzz {

// How far a text got.
enum class Reached { kNothing, kDocument, kSoundOutput, kSuccess };

inline Reached fuzz_workflow(std::string_view text) {
  static const graph::NodeRegistry registry = graph::testing::make_test_registry();
  auto file = graph::read_workflow(text, registry);
  if (!file.ok()) {
    OBSCURA_CHECK(!file.error().message().empty(), "an error without a message");
    return Reached::kNothing;
  }
  const nlohmann::ordered_json written = file->workflow.to_json();
  auto again = graph::Workflow::from_json(written);
  OBSCURA_CHECK(again.ok(), "what was written cannot be read");
  OBSCURA_CHECK(again->to_json() == written, "what was read again is written otherwise");

  graph::testing::CallLog log;
  graph::Environment environment;
  environment.provide(log);
  const graph::Validation validation = graph::validate(file->workflow, registry, environment);
  OBSCURA_CHECK(validation.lines().empty() == validation.complete(), "errors and lines disagree");
  OBSCURA_CHECK(!validation.to_json().dump().empty(), "no answer for clients");
  if (!validation.runnable()) return Reached::kDocument;

  graph::Executor executor(environment, 1 << 20);
  graph::Observer observer;
  return executor.run(validation.resolved, {}, observer).ok() ? Reached::kSuccess
                                                              : Reached::kSoundOutput;
}

inline Reached fuzz_workflow(std::span<const std::byte> bytes) {
  return fuzz_workflow(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace obscura::fuzz
