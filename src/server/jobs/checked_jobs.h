// Jobs that wait, parsed and validated: once, when they come, for their plan and their run as well.
//
// What a job asks for never changes, and neither do the nodes while the program runs. Models and
// images do come and go: a node that does not find the file it names says so when it runs, whatever
// was there when the job came. So a job is checked again only where its form is not kept: after a
// restart, when it is one of more than are kept, or when it is put into the store without one. What
// has room is kept from then on.
//
// Thread safe.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"
#include "graph/workflow.h"
#include "server/studio/studio.h"
#include "store/job_store.h"

namespace obscura::server {

// Validates a workflow for the nodes with these ids, or for all that are outputs. Whether it is
// runnable, its `workflow` says.
std::shared_ptr<const JobToRun> check_workflow(const Studio& studio, const std::string& project,
                                               const graph::Workflow& workflow,
                                               const std::vector<std::string>& targets,
                                               const nlohmann::ordered_json& extra_data);

class CheckedJobs {
 public:
  // So many jobs, and of so many bytes of text together. The first to come are kept, which are
  // those that run next as a rule.
  static constexpr std::size_t kMostJobs = 256, kMostBytes = std::size_t{4} << 20;

  // Borrowed.
  explicit CheckedJobs(const Studio& studio) : studio_(studio) {}

  // `bytes`: of its prompt as text. False if it is kept already, or there is no room.
  bool keep(const std::string& id, std::shared_ptr<const JobToRun> job, std::size_t bytes);
  // Of a job of the store. kInvalidInput if it is not sound: another program wrote it, or an older
  // one that knew other nodes.
  Result<std::shared_ptr<const JobToRun>> of(const store::Job& job);
  // It is over.
  void forget(const std::string& id);

 private:
  struct Kept {
    std::shared_ptr<const JobToRun> job;
    std::size_t bytes = 0;
  };
  const Studio& studio_;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Kept> jobs_;
  std::size_t bytes_ = 0;
};

}  // namespace obscura::server
