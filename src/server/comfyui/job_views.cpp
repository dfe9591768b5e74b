// /jobs: the queue and the history as one list, as ComfyUI's newer editors ask for it.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "graph/json_text.h"
#include "server/comfyui/routes.h"
#include "server/jobs/job_id.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::ordered_json;
using store::JobList;
using store::JobState;

// ComfyUI gives all where it is not told how many; of ten thousand jobs nobody looks at more.
constexpr std::int64_t kMostJobViews = 1000;

struct ViewStatus {
  std::string_view name;
  JobList list;
  JobState state;
};
constexpr std::array<ViewStatus, 5> kStatuses = {
    {{"pending", JobList::kQueued, JobState::kQueued},
     {"in_progress", JobList::kRunning, JobState::kRunning},
     {"completed", JobList::kDone, JobState::kDone},
     {"failed", JobList::kFailed, JobState::kFailed},
     {"cancelled", JobList::kCancelled, JobState::kCancelled}}};

std::string_view status_of(JobState state) {
  return std::find_if(kStatuses.begin(), kStatuses.end(),
                      [&](const ViewStatus& status) { return status.state == state; })
      ->name;
}

ordered_json parsed_object(const std::string& text) {
  auto value = graph::parse_json(text.empty() ? "{}" : text);
  return value.ok() && value->is_object() ? std::move(value).value() : ordered_json::object();
}

std::string workflow_id_of(const ordered_json& extra) {
  const ordered_json* at = &extra;
  for (const char* key : {"extra_pnginfo", "workflow", "id"}) {
    auto found = at->is_object() ? at->find(key) : at->end();
    if (!at->is_object() || found == at->end()) return "";
    at = &*found;
  }
  return at->is_string() ? at->get<std::string>() : "";
}

// What the history's messages say of this kind.
ordered_json message_of(const ordered_json& messages, std::string_view type) {
  if (!messages.is_array()) return nullptr;
  for (const ordered_json& message : messages)
    if (message.is_array() && message.size() == 2 && message[0] == type) return message[1];
  return nullptr;
}

struct Outputs {
  std::int64_t count = 0, previewable = 0;
  ordered_json preview;  // null: there is none
};

Outputs outputs_of(const ordered_json& outputs) {
  Outputs found;
  for (const auto& [node, ui] : outputs.items()) {
    if (!ui.is_object()) continue;
    for (const auto& [kind, files] : ui.items()) {
      if (!files.is_array()) continue;
      for (const ordered_json& file : files) {
        ++found.count;
        if (!file.is_object() || !file.contains("filename")) continue;
        ++found.previewable;
        // What was kept goes before what was only shown.
        const bool kept = file.value("type", "") == "output";
        if (!found.preview.is_null() && (!kept || found.preview["type"] == "output")) continue;
        found.preview = file;
        found.preview["nodeId"] = node;
        found.preview["mediaType"] = kind;
      }
    }
  }
  return found;
}

ordered_json job_view(const store::Job& job, bool whole) {
  const ordered_json extra = parsed_object(job.extra_data), outputs = parsed_object(job.outputs);
  const Outputs found = outputs_of(outputs);
  ordered_json view = {{"id", job.id},
                       {"status", status_of(job.state)},
                       {"priority", job.number},
                       {"create_time", job.created_ms},
                       {"outputs_count", found.count},
                       {"previewable_outputs_count", found.previewable}};
  if (job.started_ms > 0) view["execution_start_time"] = job.started_ms;
  if (job.finished_ms > 0 && job.started_ms > 0) view["execution_end_time"] = job.finished_ms;
  if (!found.preview.is_null()) view["preview_output"] = found.preview;
  if (const std::string id = workflow_id_of(extra); !id.empty()) view["workflow_id"] = id;
  auto messages = graph::parse_json(job.messages.empty() ? "[]" : job.messages);
  if (job.state == JobState::kFailed && messages.ok()) {
    if (ordered_json error = message_of(*messages, "execution_error"); !error.is_null())
      view["execution_error"] = std::move(error);
  }
  if (!whole) return view;
  view["workflow"] = {{"prompt", parsed_object(job.prompt)}, {"extra_data", extra}};
  if (job.state >= JobState::kDone) {
    view["outputs"] = outputs;
    const bool done = job.state == JobState::kDone;
    view["execution_status"] = {{"status_str", done ? "success" : "error"},
                                {"completed", done},
                                {"messages", messages.ok() ? *messages : ordered_json::array()}};
  }
  return view;
}

Error not_allowed(const char* name, const std::string& wanted, const std::string& found) {
  return Error(ErrorKind::kInvalidInput,
               fmt::format("{}: wanted {}, found '{}'", name, wanted, found.substr(0, 60)));
}

struct JobQuery {
  std::vector<JobList> lists;
  std::string workflow_id;  // empty: any
  bool by_duration = false, ascending = false;
  std::int64_t limit = kMostJobViews, offset = 0;
};

Result<std::int64_t> count_in(const Request& request, const char* name, std::int64_t otherwise,
                              std::int64_t least) {
  const std::string* text = request.parameter(name);
  if (text == nullptr || text->empty()) return otherwise;
  std::int64_t value = 0;
  auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size() || value < least) {
    return not_allowed(name, fmt::format("a whole number from {}", least), *text);
  }
  return value;
}

Result<bool> chosen(const Request& request, const char* name, const char* yes, const char* no) {
  const std::string* text = request.parameter(name);
  if (text == nullptr || text->empty() || *text == no) return false;
  if (*text == yes) return true;
  return not_allowed(name, fmt::format("{} or {}", yes, no), *text);
}

Result<JobQuery> query_of(const Request& request) {
  JobQuery query;
  const std::string* given = request.parameter("status");
  std::string_view rest;
  if (given != nullptr) rest = *given;
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view name = rest.substr(0, comma);
    rest.remove_prefix(std::min(comma + 1, rest.size()));
    const auto* found = std::find_if(kStatuses.begin(), kStatuses.end(),
                                     [&](const ViewStatus& status) { return status.name == name; });
    if (found == kStatuses.end()) {
      return not_allowed("status", "pending, in_progress, completed, failed or cancelled",
                         std::string(name));
    }
    query.lists.push_back(found->list);
  }
  if (query.lists.empty()) query.lists = {JobList::kUnfinished, JobList::kFinished};
  if (const std::string* id = request.parameter("workflow_id")) query.workflow_id = *id;
  OBSCURA_ASSIGN(query.by_duration, chosen(request, "sort_by", "execution_duration", "created_at"));
  OBSCURA_ASSIGN(query.ascending, chosen(request, "sort_order", "asc", "desc"));
  OBSCURA_ASSIGN(query.limit, count_in(request, "limit", kMostJobViews, 1));
  OBSCURA_ASSIGN(query.offset, count_in(request, "offset", 0, 0));
  query.limit = std::min(query.limit, kMostJobViews);
  return query;
}

// Equal times are in the order of arrival.
std::pair<std::int64_t, std::int64_t> sort_key(const store::JobSummary& job, bool by_duration) {
  return {
      by_duration ? std::max<std::int64_t>(job.finished_ms - job.started_ms, 0) : job.created_ms,
      job.sequence};
}

Result<std::vector<store::JobSummary>> matching(ServiceParts& parts, const std::string& project,
                                                const JobQuery& query) {
  std::vector<store::JobSummary> jobs;
  for (const JobList list : query.lists) {
    OBSCURA_ASSIGN(auto some, parts.jobs.list(project, list, -1, 0));
    jobs.insert(jobs.end(), std::make_move_iterator(some.begin()),
                std::make_move_iterator(some.end()));
  }
  if (!query.workflow_id.empty()) {
    std::vector<store::JobSummary> of_workflow;
    for (store::JobSummary& job : jobs) {
      OBSCURA_ASSIGN(auto whole, parts.jobs.find(project, job.id));
      if (whole && workflow_id_of(parsed_object(whole->extra_data)) == query.workflow_id)
        of_workflow.push_back(std::move(job));
    }
    jobs = std::move(of_workflow);
  }
  std::sort(jobs.begin(), jobs.end(), [&](const auto& a, const auto& b) {
    const auto x = sort_key(a, query.by_duration), y = sort_key(b, query.by_duration);
    return query.ascending ? x < y : x > y;
  });
  return jobs;
}

Response get_job_views(ServiceParts& parts, const Request& request) {
  auto query = query_of(request);
  if (!query.ok()) return error_response(query.error());
  const std::string& project = request.caller.project;
  auto jobs = matching(parts, project, *query);
  if (!jobs.ok()) return error_response(jobs.error());
  const auto total = static_cast<std::int64_t>(jobs->size());
  const std::int64_t end = std::min(total, query->offset + query->limit);
  ordered_json views = ordered_json::array();
  for (std::int64_t i = query->offset; i < end; ++i) {
    auto whole = parts.jobs.find(project, (*jobs)[static_cast<std::size_t>(i)].id);
    if (!whole.ok()) return error_response(whole.error());
    if (*whole) views.push_back(job_view(**whole, false));
  }
  return respond({{"jobs", std::move(views)},
                  {"pagination",
                   {{"offset", query->offset},
                    {"limit", query->limit},
                    {"total", total},
                    {"has_more", end < total}}}});
}

Response get_job_view(ServiceParts& parts, const Request& request, const std::string& id) {
  auto job = parts.jobs.find(request.caller.project, id);
  if (!job.ok()) return error_response(job.error());
  return *job ? respond(job_view(**job, true)) : error_response(404, "Job not found");
}

// Whether any of them waited or ran.
Response cancel_jobs(ServiceParts& parts, const Request& request,
                     const std::vector<std::string>& ids) {
  const std::string& project = request.caller.project;
  auto count = parts.queue.cancel(project, ids);
  if (!count.ok()) return error_response(count.error());
  bool cancelled = *count > 0;
  const auto running = parts.queue.running();
  if (running && running->project() == project &&
      std::find(ids.begin(), ids.end(), running->id()) != ids.end()) {
    parts.queue.interrupt(project, running->id());
    cancelled = true;
  }
  return respond({{"cancelled", cancelled}});
}

Response post_jobs_cancel(ServiceParts& parts, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto given = body->is_object() ? body->find("job_ids") : body->end();
  if (!body->is_object() || given == body->end() || !given->is_array()) {
    return error_response(400, "job_ids: wanted a list of ids");
  }
  std::vector<std::string> ids;
  ordered_json invalid = ordered_json::array();
  for (const ordered_json& id : *given) {
    if (id.is_string() && is_uuid(id.get_ref<const std::string&>())) {
      ids.push_back(id);
    } else {
      invalid.push_back(id);
    }
  }
  if (!invalid.empty()) {
    return respond({{"error", "job_ids: some are no lower-case UUIDs"}, {"invalid_ids", invalid}},
                   400);
  }
  return cancel_jobs(parts, request, ids);
}

}  // namespace

void add_job_view_routes(Router& router, ServiceParts& parts) {
  router.add("GET", "/jobs", [&parts](const Request& request, const Captures&) {
    return get_job_views(parts, request);
  });
  router.add("GET", "/jobs/{}", [&parts](const Request& request, const Captures& captures) {
    return get_job_view(parts, request, captures[0]);
  });
  router.add("POST", "/jobs/cancel", [&parts](const Request& request, const Captures&) {
    return post_jobs_cancel(parts, request);
  });
  router.add("POST", "/jobs/{}/cancel", [&parts](const Request& request, const Captures& captures) {
    return cancel_jobs(parts, request, {captures[0]});
  });
}

}  // namespace obscura::server
