#include "server/api/job_events.h"

#include <type_traits>
#include <variant>

#include "server/api/job_json.h"

namespace obscura::server {
namespace {

using nlohmann::json;

json progress(const JobEvent& event, const std::string& node, std::int64_t value,
              std::int64_t max) {
  return {{"type", "progress"}, {"id", event.job}, {"node", node}, {"value", value}, {"max", max}};
}

template <class What, class... Kinds>
constexpr bool kIsOneOf = (std::is_same_v<What, Kinds> || ...);

// Whether the job shows itself in another way than before.
template <class What>
constexpr bool kChangesJob = kIsOneOf<What, JobQueued, JobPlanned, JobMoved, JobHeld, JobResumed,
                                      JobCancelled, JobClaimed, JobTakenBack, JobLeft>;

json queue_message(const QueueState& state) {
  return {{"type", "queue"}, {"queue", queue_json(state)}};
}

}  // namespace

std::optional<json> event_message(const JobEvent& event,
                                  const std::function<std::optional<store::JobSummary>()>& job) {
  return std::visit(Overloaded{[&](const NodeExecuting& what) -> std::optional<json> {
                                 return progress(event, what.node.id, 0, 0);
                               },
                               [&](const NodeProgress& what) -> std::optional<json> {
                                 return progress(event, what.node.id, what.value, what.max);
                               },
                               [&](const JobRemoved&) -> std::optional<json> {
                                 return json{{"type", "removed"}, {"id", event.job}};
                               },
                               [&]<class What>(const What&) -> std::optional<json> {
                                 if constexpr (!kChangesJob<What>) return std::nullopt;
                                 const auto summary = job();
                                 if (!summary) return std::nullopt;
                                 return json{{"type", "job"}, {"job", job_json(*summary)}};
                               }},
                    event.what);
}

void ApiJobEvents::tell(const JobEvent& event) {
  if (!sockets_.watched(event.project)) return;
  const auto message = event_message(event, [&]() -> std::optional<store::JobSummary> {
    auto job = jobs_.summary(event.project, event.job);
    return job.ok() ? *job : std::nullopt;
  });
  if (message) sockets_.send(event.project, *message);
}

void ApiJobEvents::tell_queue(const std::string& project) {
  if (!sockets_.watched(project)) return;
  auto state = queue_.state(project);
  if (state.ok()) sockets_.send(project, queue_message(*state));
}

void ApiJobEvents::greet(SocketId socket, const json& session, const std::string& project) const {
  sockets_.send_to(socket, {{"type", "hello"}, {"session", session}});
  auto state = queue_.state(project);
  if (state.ok()) sockets_.send_to(socket, queue_message(*state));
}

}  // namespace obscura::server
