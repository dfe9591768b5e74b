#include "checkpoint/tensor_use.h"

#include <algorithm>

namespace obscura::checkpoint {

Status TensorUse::add(const Component& component, const Result<ir::Graph>& network) {
  if (!network.ok()) return network.error().in(std::string(component.kind().id));
  for (const ir::Value& value : network->values) {
    if (!value.weight) continue;
    for (const std::string& name : value.weight->parts) {
      const io::TensorEntry* entry = component.entry(name);
      OBSCURA_CHECK(entry != nullptr, "a graph reads " + name + ", which its file does not hold");
      if (!is_floating(entry->dtype)) {
        return Error(ErrorKind::kUnsupported, "tensor " + entry->name +
                                                  " wants floating-point numbers, holds " +
                                                  std::string(obscura::name_of(entry->dtype)));
      }
      used_.insert(entry);
      if (const io::TensorEntry* scale = component.scale_entry(name)) used_.insert(scale);
    }
  }
  return {};
}

TensorReport TensorUse::report(std::span<const io::TensorEntry> entries,
                               std::span<const IgnoredTensors> ignored) const {
  TensorReport report;
  for (const io::TensorEntry& entry : entries) {
    if (used_.contains(&entry)) {
      report.used.push_back(&entry);
      continue;
    }
    auto rule = std::find_if(ignored.begin(), ignored.end(),
                             [&](const IgnoredTensors& r) { return r.matches(entry.name); });
    if (rule == ignored.end()) {
      report.unknown.push_back(&entry);
    } else {
      report.ignored.push_back({&entry, rule->reason});
    }
  }
  return report;
}

}  // namespace obscura::checkpoint
