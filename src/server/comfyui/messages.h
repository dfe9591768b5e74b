// What happens with a job in ComfyUI's words: messages at /ws, and what its history keeps.
//
// Pure functions; but for NodeStates, which is not thread safe.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "server/jobs/job_event.h"

namespace obscura::server {

// Who gets a message of a job that no client has submitted.
enum class WithoutClient { kNobody, kEverybody };

struct ClientMessage {
  std::string_view type;  // a literal
  nlohmann::json data;
  WithoutClient without_client = WithoutClient::kNobody;

  // {"type": …, "data": …}
  std::string text() const;
};

// The message that says what has happened; none where ComfyUI has none, and for previews, which are
// binary frames.
std::optional<ClientMessage> message_of(const JobEvent& event);

// {"status": {"exec_info": {"queue_remaining": n}}}
nlohmann::json queue_status(std::size_t remaining);

// How far each node of one job is: what `progress_state` repeats at each step.
class NodeStates {
 public:
  // The message, if the event has changed something.
  std::optional<ClientMessage> update(const JobEvent& event);

 private:
  ClientMessage set(const JobEvent& event, const std::string& node, std::int64_t value,
                    std::int64_t max, const char* state);
  nlohmann::json nodes_ = nlohmann::json::object();
};

// The binary frames of a preview: 1, and 4 that says of which node it is.
class PreviewFrames {
 public:
  // Borrowed; `preview` is that of the event.
  PreviewFrames(const JobEvent& event, const NodePreview& preview)
      : event_(event), preview_(preview) {}
  std::string plain() const;
  std::string with_metadata() const;

 private:
  const JobEvent& event_;
  const NodePreview& preview_;
};

}  // namespace obscura::server
