// What AUTOMATIC1111's requests call samplers, schedules and models, looked up in what this program
// has.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "graph/node_registry.h"

namespace obscura::workflows {

// A sampler by A1111's name and by ours, and the schedule that A1111 gives it unless told.
struct A1111Sampler {
  std::string_view name, own, automatic_schedule;
};
struct A1111Schedule {
  std::string_view name, own, label;
};
// Those that this program's KSampler offers.
std::vector<A1111Sampler> a1111_samplers(const graph::NodeRegistry& nodes);
std::vector<A1111Schedule> a1111_schedules(const graph::NodeRegistry& nodes);

// What names of models and samplers are looked up in.
struct A1111Names {
  const graph::NodeRegistry& nodes;
  std::function<std::vector<std::string>(const char* kind)> models;  // "checkpoints", "loras"
  // A model that is not there stays as it is named, for validation to say so where the workflow may
  // still be changed.
  bool keep_unknown_models = false;
  std::vector<std::string> styles;
};

// Our names of a sampler and a schedule, which are A1111's or ours; an empty schedule is the
// sampler's. kInvalidInput names the field.
Result<std::pair<std::string, std::string>> find_a1111_sampler(const graph::NodeRegistry& nodes,
                                                               std::string name,
                                                               const std::string& schedule);

// The file whose name, or its stem, is `name`.
std::optional<std::string> find_a1111_model(const A1111Names& names, const char* kind,
                                            std::string_view name);

}  // namespace obscura::workflows
