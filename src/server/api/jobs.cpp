// /api/v1/jobs, /api/v1/queue and /api/v1/plan.
#include <fmt/format.h>

#include <charconv>

#include "graph/job_boundary.h"
#include "graph/json_text.h"
#include "graph/workflow_file.h"
#include "server/api/job_json.h"
#include "server/api/routes.h"
#include "server/jobs/checked_jobs.h"
#include "server/jobs/job_id.h"
#include "server/jobs/submission.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;
using store::JobList;

Result<std::int64_t> bounded(const Request& request, const char* name, std::int64_t otherwise,
                             std::int64_t least, std::int64_t most) {
  const std::string* text = request.parameter(name);
  if (text == nullptr) return otherwise;
  std::int64_t value = 0;
  auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code == std::errc() && end == text->data() + text->size() && value >= least &&
      value <= most) {
    return value;
  }
  return Error(ErrorKind::kInvalidInput,
               fmt::format("{}: wanted a whole number from {} to {}, found '{}'", name, least, most,
                           text->substr(0, 40)));
}

Response no_job(const std::string& id) {
  return error_response(404, fmt::format("there is no job '{}'", id));
}

Result<JobList> list_of(const Request& request) {
  const std::string* state = request.parameter("state");
  if (state == nullptr) return JobList::kUnfinished;
  constexpr std::pair<std::string_view, JobList> kLists[] = {{"unfinished", JobList::kUnfinished},
                                                             {"finished", JobList::kFinished},
                                                             {"queued", JobList::kQueued},
                                                             {"running", JobList::kRunning},
                                                             {"done", JobList::kDone},
                                                             {"failed", JobList::kFailed},
                                                             {"cancelled", JobList::kCancelled}};
  for (const auto& [name, list] : kLists)
    if (*state == name) return list;
  return Error(ErrorKind::kInvalidInput,
               fmt::format("state: wanted unfinished, finished, queued, running, done, failed or "
                           "cancelled, found '{}'",
                           state->substr(0, 40)));
}

Response list_jobs(ServiceParts& parts, const Request& request) {
  auto which = list_of(request);
  if (!which.ok()) return error_response(which.error());
  auto page = page_of(request);
  if (!page.ok()) return error_response(page.error());
  const std::string& project = request.caller.project;
  auto jobs = parts.jobs.list(project, *which, page->limit, page->offset);
  if (!jobs.ok()) return error_response(jobs.error());
  auto total = parts.jobs.count(project, *which);
  if (!total.ok()) return error_response(total.error());
  ordered_json list = ordered_json::array();
  for (const store::JobSummary& job : *jobs) list.push_back(job_json(job));
  return respond({{"jobs", std::move(list)}, {"total", *total}, {"offset", page->offset}});
}

// What the request's body submits, its workflow read. `warnings` are those of the editor form's
// conversion.
Result<Submission> submission_of(const ServiceParts& parts, const Request& request,
                                 std::vector<std::string>& warnings) {
  OBSCURA_ASSIGN(const ordered_json body, graph::parse_json(request.body));
  if (!body.is_object()) return Error(ErrorKind::kInvalidInput, "wanted a JSON object");
  Submission submission;
  submission.source = "api";
  auto text = [&](const char* name) -> std::string {
    auto found = body.find(name);
    return found != body.end() && found->is_string() ? found->get<std::string>() : "";
  };
  auto flag = [&](const char* name) {
    auto found = body.find(name);
    return found != body.end() && found->is_boolean() && found->get<bool>();
  };
  auto workflow = body.find("workflow");
  if (workflow == body.end() || !workflow->is_object()) {
    return Error(ErrorKind::kInvalidInput, "workflow: wanted an object in API or editor form");
  }
  OBSCURA_ASSIGN(graph::WorkflowFile file,
                 graph::read_workflow_json(*workflow, parts.studio.nodes()));
  submission.prompt = file.workflow.to_json();
  submission.workflow = std::move(file.workflow);
  submission.targets = file.targets;
  warnings = file.warnings;
  ordered_json info = file.extra_pnginfo;
  if (auto editor = body.find("editor"); editor != body.end() && editor->is_object()) {
    info["workflow"] = *editor;
  }
  if (!info.empty()) submission.extra_data["extra_pnginfo"] = std::move(info);
  if (auto targets = body.find("targets"); targets != body.end() && targets->is_array()) {
    submission.targets.clear();
    for (const ordered_json& target : *targets)
      if (target.is_string()) submission.targets.push_back(target);
  }
  if (auto number = body.find("number"); number != body.end() && number->is_number()) {
    submission.number = number->get<double>();
  }
  submission.title = text("title");
  submission.client_id = text("client_id");
  submission.front = flag("front");
  submission.held = flag("held");
  return submission;
}

Response refused(const std::string& why, ordered_json node_errors = ordered_json::object()) {
  return respond({{"error", why}, {"node_errors", std::move(node_errors)}}, 400);
}

// What of the verdict a person reads first.
std::string reason_of(const ordered_json& verdict) {
  if (auto error = verdict.find("error"); error != verdict.end() && error->is_object()) {
    return fmt::format("{}: {}", error->value("message", ""), error->value("details", ""));
  }
  return "no output of the workflow is sound";
}

Result<MemoryPlan> plan_of(const ServiceParts& parts, const std::string& project,
                           const Submission& submission) {
  const auto job = check_workflow(parts.studio, project, *submission.workflow, submission.targets,
                                  ordered_json::object());
  if (!job->workflow.runnable()) return job->workflow.to_error();
  return parts.studio.plan_memory(*job, CancelToken());
}

// Reads model files, and so plans beside the thread that answers.
Response plan_job(ServiceParts& parts, const Request& request) {
  std::vector<std::string> warnings;
  auto submission = submission_of(parts, request, warnings);
  if (!submission.ok()) return refused(submission.error().message());
  Response response;
  response.later = [&parts, project = request.caller.project,
                    asked = std::move(submission).value()](Respond respond_later) {
    parts.background.start([&parts, project, asked, respond_later] {
      const auto plan = graph::guarded([&] { return plan_of(parts, project, asked); });
      respond_later(plan.ok()
                        ? respond({{"planned_bytes", plan->peak}, {"budget_bytes", plan->budget}})
                        : error_response(plan.error()));
    });
  };
  return response;
}

Response post_job(ServiceParts& parts, const Request& request) {
  std::vector<std::string> warnings;
  auto submission = submission_of(parts, request, warnings);
  if (!submission.ok()) return refused(submission.error().message());
  auto checked = check_submission(parts.studio, request.caller, *submission);
  if (!checked.ok()) return refused(checked.error().message());
  if (!checked->job) {
    return refused(reason_of(checked->verdict), checked->verdict["node_errors"]);
  }
  auto number = parts.queue.submit(*checked->job, std::move(checked->checked));
  if (!number.ok()) return error_response(number.error());
  auto job = parts.jobs.summary(request.caller.project, checked->job->id);
  if (!job.ok()) return error_response(job.error());
  if (!*job) return no_job(checked->job->id);
  warnings.insert(warnings.end(), checked->warnings.begin(), checked->warnings.end());
  return respond({{"job", job_json(**job)},
                  {"warnings", warnings},
                  {"node_errors", checked->verdict["node_errors"]}},
                 201);
}

ordered_json parsed_or(const std::string& text, ordered_json otherwise) {
  if (text.empty()) return otherwise;
  auto value = graph::parse_json(text);
  return value.ok() ? std::move(value).value() : otherwise;
}

Response get_job(ServiceParts& parts, const Request& request, const std::string& id) {
  auto job = parts.jobs.find(request.caller.project, id);
  if (!job.ok()) return error_response(job.error());
  if (!*job) return no_job(id);
  auto results = parts.results.list(request.caller.project, id, -1, 0);
  if (!results.ok()) return error_response(results.error());
  ordered_json full = job_json(**job);
  full["progress"] = nullptr;
  if (const auto running = parts.queue.running(); running && running->id() == id) {
    const JobReport::Progress progress = running->progress_so_far();
    full["progress"] = {{"node", progress.node}, {"value", progress.value}, {"max", progress.max}};
  }
  full["workflow"] = parsed_or((*job)->prompt, ordered_json::object());
  const ordered_json extra = parsed_or((*job)->extra_data, ordered_json::object());
  full["editor"] = nullptr;
  if (auto info = extra.find("extra_pnginfo"); info != extra.end() && info->is_object()) {
    if (auto editor = info->find("workflow"); editor != info->end() && editor->is_object())
      full["editor"] = *editor;
  }
  full["targets"] = parsed_or((*job)->targets, ordered_json::array());
  full["outputs"] = parsed_or((*job)->outputs, ordered_json::object());
  full["messages"] = parsed_or((*job)->messages, ordered_json::array());
  full["results"] = ordered_json::array();
  for (const store::StoredResult& result : *results) full["results"].push_back(result_json(result));
  return respond(full);
}

Response answer_with_job(ServiceParts& parts, const Request& request, const std::string& id,
                         int status = 200) {
  auto job = parts.jobs.summary(request.caller.project, id);
  if (!job.ok()) return error_response(job.error());
  return *job ? respond(job_json(**job), status) : no_job(id);
}

Response over(const store::JobSummary& job, const char* wanted) {
  return error_response(
      409, fmt::format("wanted a job that {}: this one is {}", wanted, name_of(job.state)));
}

Response delete_job(ServiceParts& parts, const Request& request, const std::string& id) {
  const std::string& project = request.caller.project;
  auto job = parts.jobs.summary(project, id);
  if (!job.ok()) return error_response(job.error());
  if (!*job) return no_job(id);
  if ((*job)->state <= store::JobState::kRunning) return over(**job, "is over");
  auto digests = parts.jobs.forget(project, std::vector<std::string>{id});
  if (!digests.ok()) return error_response(digests.error());
  forget_files(parts.results, parts.result_files, project, *digests);
  parts.queue.tell_removed(**job);
  return no_content();
}

Response cancel_job(ServiceParts& parts, const Request& request, const std::string& id) {
  const std::string& project = request.caller.project;
  auto job = parts.jobs.summary(project, id);
  if (!job.ok()) return error_response(job.error());
  if (!*job) return no_job(id);
  if ((*job)->state > store::JobState::kRunning) return over(**job, "is not over");
  auto count = parts.queue.cancel(project, {id});
  if (!count.ok()) return error_response(count.error());
  if (*count == 0) parts.queue.interrupt(project, id);
  return answer_with_job(parts, request, id);
}

Response hold_job(ServiceParts& parts, const Request& request, const std::string& id, bool held) {
  const std::string& project = request.caller.project;
  auto job = parts.jobs.summary(project, id);
  if (!job.ok()) return error_response(job.error());
  if (!*job) return no_job(id);
  auto known = parts.queue.hold(project, id, held);
  if (!known.ok()) return error_response(known.error());
  return *known ? answer_with_job(parts, request, id) : over(**job, "is not over");
}

Response retry_job(ServiceParts& parts, const Request& request, const std::string& id) {
  auto job = parts.jobs.find(request.caller.project, id);
  if (!job.ok()) return error_response(job.error());
  if (!*job) return no_job(id);
  if ((*job)->state <= store::JobState::kRunning) return over(**job, "is over");
  store::NewJob copy;
  copy.id = new_uuid();
  copy.project = request.caller.project;
  copy.user = request.caller.user;
  copy.created_ms = now_ms();
  copy.prompt = (*job)->prompt;
  copy.extra_data = (*job)->extra_data;
  copy.targets = (*job)->targets;
  copy.models = (*job)->models;
  copy.client_id = (*job)->client_id;
  copy.title = (*job)->title;
  copy.source = (*job)->source;
  copy.node_count = (*job)->node_count;
  auto number = parts.queue.submit(copy);
  if (!number.ok()) return error_response(number.error());
  return answer_with_job(parts, request, copy.id, 201);
}

Response move_job(ServiceParts& parts, const Request& request, const std::string& id) {
  const std::string& project = request.caller.project;
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto job = parts.jobs.summary(project, id);
  if (!job.ok()) return error_response(job.error());
  if (!*job) return no_job(id);
  if ((*job)->state != store::JobState::kQueued) return over(**job, "waits");
  auto before = body->is_object() ? body->find("before") : body->end();
  auto to = body->is_object() ? body->find("to") : body->end();
  Status moved;
  if (body->is_object() && before != body->end() && before->is_string()) {
    // Another project's jobs are not to be known: what is not the caller's is not there.
    auto other = parts.jobs.summary(project, before->get<std::string>());
    if (!other.ok()) return error_response(other.error());
    if (!*other) return no_job(*before);
    moved = parts.queue.move_before(project, id, *before);
  } else if (body->is_object() && to != body->end() && (*to == "front" || *to == "back")) {
    moved = parts.queue.move_to_end(project, id, *to == "front");
  } else {
    return error_response(400, R"(wanted {"before": ID} or {"to": "front" or "back"})");
  }
  if (!moved.ok()) {
    return error_response(moved.error().kind() == ErrorKind::kNotFound ? 409 : 500,
                          moved.error().message());
  }
  return answer_with_job(parts, request, id);
}

Response get_queue(ServiceParts& parts, const Request& request) {
  auto queue = parts.queue.state(request.caller.project);
  return queue.ok() ? respond(queue_json(*queue)) : error_response(queue.error());
}

Response pause_queue(ServiceParts& parts, const Request& request, bool paused) {
  Status done = parts.queue.pause(paused);
  if (!done.ok()) return error_response(done.error());
  note(parts, request, paused ? "queue.pause" : "queue.resume", "", "");
  return get_queue(parts, request);
}

Response clear_queue(ServiceParts& parts, const Request& request) {
  auto count = parts.queue.cancel_all(request.caller.project);
  return count.ok() ? respond({{"cancelled", *count}}) : error_response(count.error());
}

}  // namespace

Result<Page> page_of(const Request& request) {
  Page page;
  OBSCURA_ASSIGN(page.limit, bounded(request, "limit", 100, 1, 1000));
  OBSCURA_ASSIGN(page.offset, bounded(request, "offset", 0, 0, 1'000'000'000));
  return page;
}

void add_api_job_routes(Router& router, ServiceParts& parts) {
  // A route of the whole API, and one of a job.
  auto add = [&](const char* method, const char* path,
                 Response (*answer)(ServiceParts&, const Request&),
                 std::optional<Role> least = std::nullopt) {
    router.add(
        method, path,
        [&parts, answer](const Request& request, const Captures&) {
          return answer(parts, request);
        },
        least);
  };
  auto add_of_job = [&](const char* method, const char* path,
                        Response (*answer)(ServiceParts&, const Request&, const std::string&)) {
    router.add(method, path, [&parts, answer](const Request& request, const Captures& captures) {
      return answer(parts, request, captures[0]);
    });
  };
  add("GET", "/v1/jobs", list_jobs);
  add("POST", "/v1/jobs", post_job);
  add_of_job("GET", "/v1/jobs/{}", get_job);
  add_of_job("DELETE", "/v1/jobs/{}", delete_job);
  add_of_job("POST", "/v1/jobs/{}/cancel", cancel_job);
  add_of_job("POST", "/v1/jobs/{}/pause",
             [](ServiceParts& own, const Request& request, const std::string& id) {
               return hold_job(own, request, id, true);
             });
  add_of_job("POST", "/v1/jobs/{}/resume",
             [](ServiceParts& own, const Request& request, const std::string& id) {
               return hold_job(own, request, id, false);
             });
  add_of_job("POST", "/v1/jobs/{}/retry", retry_job);
  add_of_job("POST", "/v1/jobs/{}/move", move_job);
  add("POST", "/v1/plan", plan_job);
  add("GET", "/v1/queue", get_queue);
  add(
      "POST", "/v1/queue/pause",
      [](ServiceParts& own, const Request& request) { return pause_queue(own, request, true); },
      Role::kOwner);
  add(
      "POST", "/v1/queue/resume",
      [](ServiceParts& own, const Request& request) { return pause_queue(own, request, false); },
      Role::kOwner);
  add("POST", "/v1/queue/clear", clear_queue);
}

}  // namespace obscura::server
