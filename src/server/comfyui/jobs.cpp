// /prompt, /queue, /history, /interrupt, /free.
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>

#include "graph/json_text.h"
#include "server/comfyui/messages.h"
#include "server/comfyui/routes.h"
#include "server/jobs/job_id.h"
#include "server/jobs/submission.h"
#include "server/net/text.h"

namespace obscura::server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Response prompt_error(std::string_view type, std::string_view message, const std::string& details) {
  const ordered_json body = {{"error",
                              {{"type", type},
                               {"message", message},
                               {"details", details},
                               {"extra_info", ordered_json::object()}}},
                             {"node_errors", ordered_json::object()}};
  return json_response(text_of(body), 400);
}

// A whole number is written as one: clients compare and sort by it.
std::string number_text(double number) {
  if (std::abs(number) < 9e15 && number == std::floor(number)) {
    return std::to_string(static_cast<std::int64_t>(number));
  }
  return json(number).dump();
}

// [number, id, prompt, extra_data, outputs_to_execute], spliced from texts that the store holds as
// JSON already: a queue of thousands is listed without reading them.
void append_queue_item(std::string& list, const store::JobStore::JobView& job) {
  list += '[';
  list += number_text(job.number);
  list += ',';
  list += json(job.id).dump();
  for (std::string_view text : {job.prompt, job.extra_data, job.targets}) {
    list += ',';
    list += text;
  }
  list += ']';
}

std::string queue_item(const store::Job& job) {
  std::string item;
  append_queue_item(item, {job.id, job.prompt, job.extra_data, job.targets, job.number, false});
  return item;
}

std::vector<std::string> partial_targets(const ordered_json& body) {
  std::vector<std::string> targets;
  auto given = body.find("partial_execution_targets");
  if (given == body.end() || !given->is_array()) return targets;
  for (const ordered_json& target : *given)
    if (target.is_string()) targets.push_back(target);
  return targets;
}

// What of the body is not the workflow.
Submission submission_of(const ordered_json& body) {
  Submission submission;
  submission.source = "comfyui";
  submission.targets = partial_targets(body);
  if (auto number = body.find("number"); number != body.end() && number->is_number()) {
    submission.number = number->get<double>();
  }
  auto front = body.find("front");
  submission.front = front != body.end() && front->is_boolean() && front->get<bool>();
  if (auto given = body.find("extra_data"); given != body.end() && given->is_object()) {
    submission.extra_data = *given;
  }
  if (auto client = body.find("client_id"); client != body.end() && client->is_string()) {
    submission.client_id = *client;
  }
  return submission;
}

Response post_prompt(ServiceParts& parts, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return prompt_error("invalid_json", "Invalid JSON", body.error().message());
  auto prompt = body->is_object() ? body->find("prompt") : body->end();
  if (!body->is_object() || prompt == body->end()) {
    return prompt_error("no_prompt", "No prompt provided", "No prompt provided");
  }
  Submission submission = submission_of(*body);
  if (auto id = body->find("prompt_id"); id != body->end() && !id->is_null()) {
    if (!id->is_string() || !is_uuid(id->get_ref<const std::string&>())) {
      return prompt_error("invalid_prompt_id", "Invalid prompt id",
                          "wanted a lower-case UUID, found " + text_of(*id).substr(0, 80));
    }
    submission.id = *id;
  }
  submission.prompt = std::move(*prompt);
  auto checked = check_submission(parts.studio, request.caller, submission);
  if (!checked.ok()) {
    return prompt_error("invalid_prompt", "Cannot execute because the workflow is not sound.",
                        checked.error().message());
  }
  if (!checked->job) return json_response(text_of(checked->verdict), 400);
  auto number = parts.queue.submit(*checked->job, std::move(checked->checked));
  if (!number.ok()) {
    if (number.error().kind() != ErrorKind::kInvalidInput) return error_response(number.error());
    return prompt_error("invalid_prompt_id", "Invalid prompt id", number.error().message());
  }
  return json_response(fmt::format(R"({{"prompt_id":"{}","number":{},"node_errors":{}}})",
                                   checked->job->id, number_text(*number),
                                   text_of(checked->verdict["node_errors"])));
}

Response get_prompt(ServiceParts& parts, const Request& request) {
  return json_response(
      text_of(queue_status(parts.jobs.remaining(request.caller.project))["status"]));
}

Response get_queue(ServiceParts& parts, const Request& request) {
  std::string running, pending;
  Status status =
      parts.jobs.visit_unfinished(request.caller.project, [&](const store::JobStore::JobView& job) {
        std::string& list = job.running ? running : pending;
        if (!list.empty()) list += ',';
        append_queue_item(list, job);
      });
  if (!status.ok()) return error_response(status.error());
  std::string body = R"({"queue_running":[)" + running + R"(],"queue_pending":[)";
  body += pending;
  return json_response(body += "]}");
}

// {"clear": true} or {"delete": [ids]}, as /queue and /history take them.
struct Removal {
  bool clear = false;
  std::vector<std::string> ids;
};
Result<Removal> parse_removal(const Request& request) {
  OBSCURA_ASSIGN(ordered_json body, graph::parse_json(request.body));
  Removal removal;
  if (!body.is_object()) return Error(ErrorKind::kInvalidInput, "wanted a JSON object");
  auto clear = body.find("clear");
  removal.clear = clear != body.end() && clear->is_boolean() && clear->get<bool>();
  if (auto ids = body.find("delete"); ids != body.end() && ids->is_array()) {
    for (const ordered_json& id : *ids)
      if (id.is_string()) removal.ids.push_back(id);
  }
  return removal;
}

// ComfyUI answers these with nothing; some clients read JSON all the same.
Response done() {
  return json_response("{}");
}

Response post_queue(ServiceParts& parts, const Request& request) {
  auto removal = parse_removal(request);
  if (!removal.ok()) return error_response(removal.error());
  if (removal->clear) {
    auto count = parts.queue.cancel_all(request.caller.project);
    if (!count.ok()) return error_response(count.error());
  }
  if (!removal->ids.empty()) {
    auto count = parts.queue.cancel(request.caller.project, removal->ids);
    if (!count.ok()) return error_response(count.error());
  }
  return done();
}

std::string history_entry(const store::Job& job) {
  json meta = json::object();
  const json outputs = json::parse(job.outputs, nullptr, false);
  if (outputs.is_object()) {
    for (const auto& [node, ui] : outputs.items()) {
      meta[node] = {{"node_id", node},
                    {"display_node", node},
                    {"parent_node", nullptr},
                    {"real_node_id", node}};
    }
  }
  const bool done = job.state == store::JobState::kDone;
  return fmt::format(
      R"({}:{{"prompt":{},"outputs":{},"status":{{"status_str":"{}","completed":{},"messages":{}}},"meta":{}}})",
      json(job.id).dump(), queue_item(job), job.outputs.empty() ? "{}" : job.outputs,
      done ? "success" : "error", done, job.messages.empty() ? "[]" : job.messages, meta.dump());
}

Result<std::optional<std::int64_t>> integer_parameter(const Request& request, const char* name) {
  const std::string* text = request.parameter(name);
  if (text == nullptr || text->empty()) return std::optional<std::int64_t>();
  std::int64_t value = 0;
  auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size()) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("{}: wanted a whole number, found '{}'", name, text->substr(0, 40)));
  }
  return std::optional<std::int64_t>(value);
}

Response get_history(ServiceParts& parts, const Request& request) {
  auto most = integer_parameter(request, "max_items");
  auto offset = integer_parameter(request, "offset");
  if (!most.ok()) return error_response(most.error());
  if (!offset.ok()) return error_response(offset.error());
  auto jobs = parts.jobs.history(request.caller.project, *most, offset->value_or(-1));
  if (!jobs.ok()) return error_response(jobs.error());
  std::string body;
  for (const store::Job& job : *jobs) body += (body.empty() ? "" : ",") + history_entry(job);
  return json_response("{" + body + "}");
}

Response get_history_of(ServiceParts& parts, const Request& request, const std::string& id) {
  auto job = parts.jobs.find(request.caller.project, id);
  if (!job.ok()) return error_response(job.error());
  const bool finished = *job && (*job)->state >= store::JobState::kDone && (*job)->started_ms > 0;
  return json_response(finished ? "{" + history_entry(**job) + "}" : "{}");
}

Response post_history(ServiceParts& parts, const Request& request) {
  auto removal = parse_removal(request);
  if (!removal.ok()) return error_response(removal.error());
  const std::string& project = request.caller.project;
  auto digests =
      removal->clear ? parts.jobs.forget_all(project) : parts.jobs.forget(project, removal->ids);
  if (!digests.ok()) return error_response(digests.error());
  forget_files(parts.results, parts.result_files, project, *digests);
  return done();
}

// The body, which may be missing.
Result<ordered_json> optional_object(const Request& request) {
  if (request.body.empty()) return ordered_json::object();
  OBSCURA_ASSIGN(ordered_json body, graph::parse_json(request.body));
  return body.is_object() ? body : ordered_json::object();
}

Response post_interrupt(ServiceParts& parts, const Request& request) {
  auto body = optional_object(request);
  if (!body.ok()) return error_response(body.error());
  std::optional<std::string> id;
  if (auto given = body->find("prompt_id"); given != body->end() && given->is_string()) id = *given;
  parts.queue.interrupt(request.caller.project, id);
  return done();
}

Response post_free(ServiceParts& parts, const Request& request) {
  auto body = optional_object(request);
  if (!body.ok()) return error_response(body.error());
  auto flag = [&](const char* name) {
    auto given = body->find(name);
    return given != body->end() && given->is_boolean() && given->get<bool>();
  };
  const bool everything = flag("free_memory");
  parts.queue.release(everything || flag("unload_models"), everything);
  return done();
}

}  // namespace

void add_job_routes(Router& router, ServiceParts& parts) {
  router.add("POST", "/prompt", [&parts](const Request& request, const Captures&) {
    return post_prompt(parts, request);
  });
  router.add("GET", "/prompt", [&parts](const Request& request, const Captures&) {
    return get_prompt(parts, request);
  });
  router.add("GET", "/queue", [&parts](const Request& request, const Captures&) {
    return get_queue(parts, request);
  });
  router.add("POST", "/queue", [&parts](const Request& request, const Captures&) {
    return post_queue(parts, request);
  });
  router.add("GET", "/history", [&parts](const Request& request, const Captures&) {
    return get_history(parts, request);
  });
  router.add("GET", "/history/{}", [&parts](const Request& request, const Captures& captures) {
    return get_history_of(parts, request, captures[0]);
  });
  router.add("POST", "/history", [&parts](const Request& request, const Captures&) {
    return post_history(parts, request);
  });
  router.add("POST", "/interrupt", [&parts](const Request& request, const Captures&) {
    return post_interrupt(parts, request);
  });
  router.add("POST", "/free", [&parts](const Request& request, const Captures&) {
    return post_free(parts, request);
  });
}

}  // namespace obscura::server
