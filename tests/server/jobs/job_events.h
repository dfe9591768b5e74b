// Every kind of JobEvent once, for the tests of formatters.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/job_event.h"

namespace obscura::server::testing {

inline constexpr std::byte kImage[] = {std::byte{0xff}, std::byte{0xd8}, std::byte{7}};

template <class What>
JobEvent event_with(What what) {
  return {"default", "J", "me", 1234, std::move(what)};
}

inline const graph::NodeRef kNode{"7", "Slow", "Take your time"};

struct NamedEvent {
  std::string name;
  JobEvent event;
};
inline std::vector<NamedEvent> all_events() {
  return {
      {"queued", event_with(JobQueued{})},
      {"planned", event_with(JobPlanned{})},
      {"moved", event_with(JobMoved{})},
      {"held", event_with(JobHeld{})},
      {"resumed", event_with(JobResumed{})},
      {"cancelled", event_with(JobCancelled{})},
      {"claimed", event_with(JobClaimed{})},
      {"taken back", event_with(JobTakenBack{})},
      {"left", event_with(JobLeft{})},
      {"removed", event_with(JobRemoved{})},
      {"started", event_with(JobStarted{})},
      {"cached", event_with(NodesCached{{"1", "2"}})},
      {"executing", event_with(NodeExecuting{kNode})},
      {"progress", event_with(NodeProgress{kNode, 2, 5})},
      {"preview", event_with(NodePreview{kNode, kImage, "image/jpeg"})},
      {"warned", event_with(NodeWarned{kNode, "take care"})},
      {"executed", event_with(NodeExecuted{kNode, {{"text", {"a"}}}, 0.5})},
      {"executed without a word", event_with(NodeExecuted{kNode, nullptr, 0.5})},
      {"succeeded", event_with(JobSucceeded{})},
      {"failed", event_with(JobFailed{kNode, "corrupt", "it is damaged", {"1"}, {{"a", {"2"}}}})},
      {"interrupted", event_with(JobInterrupted{kNode, {"1"}})}};
}

}  // namespace obscura::server::testing
