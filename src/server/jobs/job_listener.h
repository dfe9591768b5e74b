// Who is told what happens with jobs: a dialect of the API.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "server/jobs/job_event.h"

namespace obscura::server {

// Called from any thread; returns without waiting for clients. Of one job, the events of each
// thread come in their order; a worker that is at work anyway may claim a job before JobQueued is
// told.
class JobListener {
 public:
  virtual ~JobListener() = default;
  virtual void tell(const JobEvent& event) = 0;
  // How many jobs wait or run has changed, or whether the queue is paused. Told of a project at
  // most every 20 ms: a thousand submits a second are not a thousand messages to everybody.
  virtual void tell_queue(const std::string& project) = 0;
  // Whether somebody would see the previews of a job that `client` submitted.
  virtual bool wants_previews(const std::string& /*project*/, const std::string& /*client*/) const {
    return false;
  }
};

// What the history keeps of a job's course beside its results, as text. It is written once, when
// the job ends, in the form in which it is asked for: a history of thousands is listed without
// reading it.
class HistoryFormat {
 public:
  virtual ~HistoryFormat() = default;
  // `course`: JobStarted, NodesCached and how it ended. Thread safe.
  virtual std::string history(std::span<const JobEvent> course) const = 0;
};

// Those who listen. Fill it first; telling is thread safe.
class JobListeners {
 public:
  // Borrowed.
  void add(JobListener& listener) { listeners_.push_back(&listener); }

  void tell(const JobEvent& event) const {
    for (JobListener* listener : listeners_) listener->tell(event);
  }
  void tell_queue(const std::string& project) const {
    for (JobListener* listener : listeners_) listener->tell_queue(project);
  }
  bool want_previews(const std::string& project, const std::string& client) const {
    for (const JobListener* listener : listeners_)
      if (listener->wants_previews(project, client)) return true;
    return false;
  }

 private:
  std::vector<JobListener*> listeners_;
};

}  // namespace obscura::server
