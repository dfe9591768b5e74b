// Tells ComfyUI's clients what happens with jobs.
//
// Thread safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "server/comfyui/client_sockets.h"
#include "server/comfyui/messages.h"
#include "server/jobs/job_listener.h"
#include "server/jobs/job_queue.h"
#include "store/job_store.h"

namespace obscura::server {

class ComfyUiJobEvents final : public JobListener {
 public:
  // Borrowed.
  ComfyUiJobEvents(ClientSockets& sockets, const store::JobStore& jobs)
      : sockets_(sockets), jobs_(jobs) {}

  void tell(const JobEvent& event) override;
  void tell_queue(const std::string& project) override;
  bool wants_previews(const std::string& project, const std::string& client) const override;
  // What a client is told as soon as it is there: how long the queue is, and the node of its own
  // job that is running.
  void greet(SocketId socket, const std::string& project, const std::string& client,
             const JobQueue& queue) const;

 private:
  void send(const JobEvent& event, const std::optional<ClientMessage>& message);
  std::optional<ClientMessage> update_states(const JobEvent& event);

  ClientSockets& sockets_;
  const store::JobStore& jobs_;
  std::mutex mutex_;
  std::map<std::string, NodeStates> states_;  // by job; guarded by mutex_
};

}  // namespace obscura::server
