// What happens with jobs, as types. The queue publishes it, and each dialect of the API has a
// JobListener that puts it into the words of its clients.
//
//   JobQueued → JobClaimed → JobStarted → NodesCached, NodeExecuting, NodeProgress, NodePreview,
//   NodeWarned, NodeExecuted, … → JobSucceeded | JobFailed | JobInterrupted → JobLeft
//
// A job that waits may also be planned, moved, held, resumed or cancelled. One that is stopped and
// will begin anew has no end: JobLeft follows at once, or nothing if the program stops. Of one
// whose worker went silent nobody says JobLeft, but JobTakenBack.
//
// An event is told once what it tells of is in the store: who hears that a job has ended finds it
// ended.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "graph/node_call.h"
#include "server/jobs/job_id.h"
#include "store/job_store.h"

namespace obscura::server {

struct JobQueued {};
struct JobPlanned {};    // what it will need is known, or that this cannot be known
struct JobMoved {};      // to another place in the queue
struct JobHeld {};       // waits until it is resumed; if it ran, it is stopped
struct JobResumed {};    // no longer held
struct JobCancelled {};  // before it ran
struct JobClaimed {};    // a worker has it
struct JobTakenBack {};  // waits again, since nobody runs it any more
struct JobLeft {};       // its worker has done with it
struct JobRemoved {};    // from the history, with its results

struct JobStarted {};
// Ids of the nodes whose results are there already.
struct NodesCached {
  std::vector<std::string> nodes;
};
struct NodeExecuting {
  graph::NodeRef node;
};
struct NodeProgress {
  graph::NodeRef node;
  std::int64_t value = 0, max = 0;
};
// The image is borrowed for as long as the listener is called.
struct NodePreview {
  graph::NodeRef node;
  std::span<const std::byte> image;
  std::string_view media_type;
};
struct NodeWarned {
  graph::NodeRef node;
  std::string text;
};
struct NodeExecuted {
  graph::NodeRef node;
  nlohmann::json ui;   // what it shows; null: nothing
  double seconds = 0;  // 0: it was served from the cache
};
struct JobSucceeded {};
struct JobFailed {
  graph::NodeRef node;  // without an id: it did not come to a node
  std::string kind;     // "corrupt", "out_of_memory", …; "crash": it ended its workers
  std::string message;
  std::vector<std::string> executed;                 // ids of the nodes that had run
  nlohmann::json inputs = nlohmann::json::object();  // {name: [text, …]}: what the node was given
};
struct JobInterrupted {
  graph::NodeRef node;  // without an id: it did not come to a node
  std::vector<std::string> executed;
};

struct JobEvent {
  std::string project, job;
  std::string client;  // that submitted it; may be empty
  std::int64_t time_ms = 0;
  std::variant<JobQueued, JobPlanned, JobMoved, JobHeld, JobResumed, JobCancelled, JobClaimed,
               JobTakenBack, JobLeft, JobRemoved, JobStarted, NodesCached, NodeExecuting,
               NodeProgress, NodePreview, NodeWarned, NodeExecuted, JobSucceeded, JobFailed,
               JobInterrupted>
      what;
};

// What happens with this job now.
template <class What>
JobEvent event_of(const store::JobSummary& job, What what) {
  return {job.project, job.id, job.client_id, now_ms(), std::move(what)};
}

// A visitor of JobEvent::what, made of one function for each kind, or for all the others.
template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace obscura::server
