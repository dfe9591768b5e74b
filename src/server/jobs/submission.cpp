#include "server/jobs/submission.h"

#include <algorithm>
#include <array>

#include "server/jobs/checked_jobs.h"
#include "server/jobs/job_id.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLongestTitle = 200;

// The files that the workflow names in the inputs by which ComfyUI's nodes load models.
ordered_json models_of(const graph::Workflow& workflow) {
  constexpr std::array<std::string_view, 9> kInputs = {
      "ckpt_name",  "lora_name",  "vae_name",         "unet_name", "clip_name",
      "clip_name1", "clip_name2", "control_net_name", "model_name"};
  ordered_json models = ordered_json::array();
  for (const graph::Workflow::Node& node : workflow.nodes()) {
    for (std::string_view input : kInputs) {
      auto found = node.inputs().find(input);
      if (found == node.inputs().end() || !found->is_string()) continue;
      if (std::find(models.begin(), models.end(), *found) == models.end()) models.push_back(*found);
    }
  }
  return models;
}

// Without one, what the prompt says: the longest text of a node that encodes one.
std::string title_of(const graph::Workflow& workflow) {
  std::string title;
  for (const graph::Workflow::Node& node : workflow.nodes()) {
    auto text = node.inputs().find("text");
    if (text == node.inputs().end() || !text->is_string()) continue;
    if (const auto& words = text->get_ref<const std::string&>(); words.size() > title.size())
      title = words;
  }
  return title;
}

std::string cut(std::string text) {
  if (text.size() <= kLongestTitle) return text;
  std::size_t end = kLongestTitle;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;  // not within a character
  text.resize(end);
  return text + "…";
}

}  // namespace

Result<CheckedSubmission> check_submission(const Studio& studio, const Caller& caller,
                                           const Submission& submission) {
  std::optional<graph::Workflow> read;
  if (!submission.workflow) {
    OBSCURA_ASSIGN(read, graph::Workflow::from_json(submission.prompt));
  }
  const graph::Workflow& workflow = read ? *read : *submission.workflow;
  CheckedSubmission checked;
  checked.checked =
      check_workflow(studio, caller.project, workflow, submission.targets, submission.extra_data);
  const graph::Validation& validation = checked.checked->workflow;
  checked.verdict = validation.to_json();
  checked.warnings = validation.warnings;
  if (!validation.runnable()) return checked;

  store::NewJob& job = checked.job.emplace();
  job.id = submission.id.value_or(new_uuid());
  job.project = caller.project;
  job.user = caller.user;
  job.created_ms = now_ms();
  job.client_id = submission.client_id;
  job.source = submission.source;
  job.title = cut(submission.title.empty() ? title_of(workflow) : submission.title);
  job.number = submission.number;
  job.front = submission.front;
  job.held = submission.held;
  job.node_count = static_cast<std::int64_t>(validation.resolved.nodes.size());
  job.models = text_of(models_of(workflow));
  job.prompt = text_of(submission.prompt);
  ordered_json extra = submission.extra_data;
  if (!job.client_id.empty()) extra["client_id"] = job.client_id;
  extra["create_time"] = job.created_ms;
  job.extra_data = text_of(extra);
  ordered_json targets = ordered_json::array();
  for (std::size_t output : validation.resolved.outputs)
    targets.push_back(validation.resolved.nodes[output].ref.id);
  job.targets = text_of(targets);
  return checked;
}

}  // namespace obscura::server
