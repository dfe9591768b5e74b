// Tells what happens with jobs at /api/v1/events, as docs/openapi.json says it.
//
// Thread safe.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "server/api/event_sockets.h"
#include "server/jobs/job_listener.h"
#include "server/jobs/job_queue.h"
#include "store/job_store.h"

namespace obscura::server {

// The message that says what has happened, if one does: of a job that has changed it says how it is
// now, which `job` looks up; none if it is gone.
std::optional<nlohmann::json> event_message(
    const JobEvent& event, const std::function<std::optional<store::JobSummary>()>& job);

class ApiJobEvents final : public JobListener {
 public:
  // Borrowed.
  ApiJobEvents(EventSockets& sockets, const store::JobStore& jobs, const JobQueue& queue)
      : sockets_(sockets), jobs_(jobs), queue_(queue) {}

  void tell(const JobEvent& event) override;
  void tell_queue(const std::string& project) override;
  // What a socket is told as soon as it is there.
  void greet(SocketId socket, const nlohmann::json& session, const std::string& project) const;

 private:
  EventSockets& sockets_;
  const store::JobStore& jobs_;
  const JobQueue& queue_;
};

}  // namespace obscura::server
