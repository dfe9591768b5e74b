// From a workflow that somebody sends to a job that is ready for the queue: what ComfyUI's API, our
// own and A1111's have in common.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "graph/workflow.h"
#include "server/net/http.h"
#include "server/studio/studio.h"
#include "store/job_store.h"

namespace obscura::server {

struct Submission {
  nlohmann::ordered_json prompt;            // API form
  std::optional<graph::Workflow> workflow;  // the prompt, where it has been read already
  nlohmann::ordered_json extra_data = nlohmann::ordered_json::object();  // as ComfyUI's
  std::vector<std::string> targets;                                      // empty: all outputs
  std::optional<std::string> id;                                         // a UUID; none: a new one
  std::string client_id, title, source;
  std::optional<double> number;
  bool front = false, held = false;
};

// A job, if the workflow is runnable; its verdict either way.
struct CheckedSubmission {
  std::optional<store::NewJob> job;
  std::shared_ptr<const JobToRun> checked;  // what there is to run of it
  nlohmann::ordered_json verdict;  // {"error": …, "node_errors": …}, as POST /prompt answers
  std::vector<std::string> warnings;
};

// kInvalidInput if the prompt is not of the API form.
Result<CheckedSubmission> check_submission(const Studio& studio, const Caller& caller,
                                           const Submission& submission);

}  // namespace obscura::server
