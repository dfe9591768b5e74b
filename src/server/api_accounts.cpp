// Who one is, users, the audit log, and the file that describes all this.
#include <fmt/format.h>

#include "base/hash.h"
#include "base/log.h"
#include "graph/json_text.h"
#include "server/api.h"
#include "server/comfyui.h"
#include "server/text.h"

extern "C" {
extern const char obscura_openapi_begin[], obscura_openapi_end[];
}

namespace obscura::server {
namespace {

using nlohmann::ordered_json;

ordered_json user_json(const store::User& user) {
  return {{"name", user.name},
          {"role", user.role},
          {"projects", user.projects},
          {"created_ms", user.created_ms}};
}

Response get_info(Api& api, const Request& request) {
  return respond({{"name", "Obscura"},
                  {"version", api.studio.version()},
                  {"session", session_json(request.caller)},
                  {"limits", {{"body_bytes", kMaxBodyBytes}, {"upload_bytes", kMaxUploadBytes}}}});
}

Response log_in(Api& api, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto token = body->is_object() ? body->find("token") : body->end();
  if (!body->is_object() || token == body->end() || !token->is_string()) {
    return error_response(400, R"(wanted {"token": "…"})");
  }
  auto done = api.access.log_in(request, *token);
  if (auto* refusal = std::get_if<Response>(&done)) return std::move(*refusal);
  const auto& login = std::get<Access::Login>(done);
  note(api, request, "session.begin", login.caller.user, "");
  Response response = respond(session_json(login.caller));
  response.headers.emplace_back("Set-Cookie", login.cookie);
  return response;
}

Response log_out(Api& api, const Request& request) {
  Response response = no_content();
  response.headers.emplace_back("Set-Cookie", api.access.log_out(request));
  return response;
}

Response list_users(Api& api) {
  auto users = api.accounts.users();
  if (!users.ok()) return error_response(users.error());
  ordered_json list = ordered_json::array();
  for (const store::User& user : *users) list.push_back(user_json(user));
  return respond({{"users", std::move(list)}});
}

Result<store::User> user_of(const ordered_json& body) {
  const Error wanted(ErrorKind::kInvalidInput,
                     R"(wanted {"name": …, "role": owner, artist or viewer, "projects": […]})");
  if (!body.is_object()) return wanted;
  auto name = body.find("name"), role = body.find("role"), projects = body.find("projects");
  if (name == body.end() || !name->is_string() || role == body.end() || !role->is_string() ||
      !role_of(role->get<std::string>())) {
    return wanted;
  }
  store::User user{*name, *role, {}, "", now_ms()};
  if (user.name == "owner") {
    return Error(ErrorKind::kInvalidInput, "'owner' is who has the service's own token");
  }
  if (projects == body.end()) return user;
  if (!projects->is_array()) return wanted;
  for (const ordered_json& project : *projects) {
    if (!project.is_string()) return wanted;
    user.projects.push_back(project);
  }
  return user;
}

Response post_user(Api& api, const Request& request) {
  auto body = graph::parse_json(request.body);
  if (!body.ok()) return error_response(body.error());
  auto user = user_of(*body);
  if (!user.ok()) return error_response(user.error());
  const std::string token = new_token();
  user->token_digest = sha256_hex(token);
  Status put = api.accounts.put_user(*user);
  if (!put.ok()) return error_response(put.error());
  note(api, request, "user.put", user->name, "",
       {{"role", user->role}, {"projects", user->projects}});
  return respond({{"user", user_json(*user)}, {"token", token}}, 201);
}

Response delete_user(Api& api, const Request& request, const std::string& name) {
  auto deleted = api.accounts.delete_user(name);
  if (!deleted.ok()) return error_response(deleted.error());
  if (!*deleted) return error_response(404, fmt::format("there is no user '{}'", name));
  note(api, request, "user.delete", name, "");
  return no_content();
}

Response list_audit(Api& api, const Request& request) {
  auto page = page_of(request);
  if (!page.ok()) return error_response(page.error());
  const std::string* given = request.parameter("project");
  const std::string project = given == nullptr ? "" : *given;
  auto entries = api.audit.list(project, page->limit, page->offset);
  if (!entries.ok()) return error_response(entries.error());
  auto total = api.audit.count(project);
  if (!total.ok()) return error_response(total.error());
  ordered_json list = ordered_json::array();
  for (const store::AuditEntry& entry : *entries) {
    auto detail = graph::parse_json(entry.detail);
    list.push_back({{"id", entry.id},
                    {"time_ms", entry.time_ms},
                    {"user", entry.user},
                    {"project", entry.project},
                    {"action", entry.action},
                    {"subject", entry.subject},
                    {"detail", detail.ok() ? *detail : ordered_json::object()}});
  }
  return respond({{"entries", std::move(list)}, {"total", *total}, {"offset", page->offset}});
}

}  // namespace

std::string_view openapi() {
  return {obscura_openapi_begin,
          static_cast<std::size_t>(obscura_openapi_end - obscura_openapi_begin)};
}

ordered_json session_json(const Caller& caller) {
  return {{"user", caller.user},
          {"role", name_of(caller.role)},
          {"project", caller.project},
          {"projects", caller.projects}};
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

void note(Api& api, const Request& request, const std::string& action, const std::string& subject,
          const std::string& project, const ordered_json& detail) {
  const std::string user = request.caller.user.empty() ? subject : request.caller.user;
  Status noted = api.audit.add(
      {0, now_ms(), user, project, action, subject, detail.is_object() ? detail.dump() : "{}"});
  if (!noted.ok()) log::error("the audit log: {}", noted.error().message());
}

void add_api_account_routes(Router& router, Api& api) {
  router.add("GET", "/v1",
             [&api](const Request& request, const Captures&) { return get_info(api, request); });
  router.add("GET", "/v1/openapi.json",
             [](const Request&, const Captures&) { return json_response(std::string(openapi())); });
  router.add("GET", "/v1/session", [](const Request& request, const Captures&) {
    return respond(session_json(request.caller));
  });
  router.add(
      "POST", "/v1/session",
      [&api](const Request& request, const Captures&) { return log_in(api, request); },
      Role::kNobody);
  router.add(
      "DELETE", "/v1/session",
      [&api](const Request& request, const Captures&) { return log_out(api, request); },
      Role::kViewer);
  router.add(
      "GET", "/v1/users", [&api](const Request&, const Captures&) { return list_users(api); },
      Role::kOwner);
  router.add(
      "POST", "/v1/users",
      [&api](const Request& request, const Captures&) { return post_user(api, request); },
      Role::kOwner);
  router.add(
      "DELETE", "/v1/users/{}",
      [&api](const Request& request, const Captures& captures) {
        return delete_user(api, request, captures[0]);
      },
      Role::kOwner);
  router.add(
      "GET", "/v1/audit",
      [&api](const Request& request, const Captures&) { return list_audit(api, request); },
      Role::kOwner);
}

}  // namespace obscura::server
