#include "server/net/router.h"

#include <optional>

namespace obscura::server {
namespace {

constexpr std::string_view kAny = "{}";

std::vector<std::string> components(std::string_view path) {
  std::vector<std::string> parts;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::size_t end = path.find('/');
    parts.emplace_back(path.substr(0, end));
    path = end == std::string_view::npos ? "" : path.substr(end);
  }
  return parts;
}

// What the {} stand for, if the path fits.
std::optional<Captures> fit(const std::vector<std::string>& pattern,
                            const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  Captures captures;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (pattern[i] != kAny) {
      if (pattern[i] != path[i]) return std::nullopt;
      continue;
    }
    captures.push_back(path[i]);
  }
  return captures;
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Route route,
                 std::optional<Role> least) {
  const Role role = least.value_or(method == "GET" ? Role::kViewer : Role::kArtist);
  entries_.push_back({std::move(method), components(pattern), std::move(route), role, nullptr});
}

void Router::add_upload(std::string method, std::string_view pattern, Preparation prepare,
                        Route route) {
  add(std::move(method), pattern, std::move(route));
  entries_.back().prepare = std::move(prepare);
}

const Router::Entry* Router::find(const Request& request, Captures& captures,
                                  Response& refusal) const {
  std::vector<std::string> path = components(request.path);
  if (path.size() > 1 && path.front() == "api") path.erase(path.begin());
  for (std::string& part : path) {
    Result<std::string> decoded = percent_decode(part);
    if (!decoded.ok()) {
      refusal = error_response(400, decoded.error().message());
      return nullptr;
    }
    part = std::move(decoded).value();
  }
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Entry& entry : entries_) {
    auto fitting = fit(entry.pattern, path);
    if (!fitting) continue;
    if (entry.method != method) {
      allowed += (allowed.empty() ? "" : ", ") + entry.method;
      continue;
    }
    if (request.caller.role >= entry.least) {
      captures = std::move(*fitting);
      return &entry;
    }
    if (request.caller.role == Role::kNobody) {
      refusal = error_response(401, "wanted a token, as `Authorization: Bearer …`");
      refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
    } else {
      refusal =
          error_response(403, "this takes the role " + std::string(name_of(entry.least)) +
                                  ", and yours is " + std::string(name_of(request.caller.role)));
    }
    return nullptr;
  }
  // Who is nobody learns nothing of what is here.
  if (request.caller.role == Role::kNobody) {
    refusal = error_response(401, "wanted a token, as `Authorization: Bearer …`");
    refusal.headers.emplace_back("WWW-Authenticate", "Bearer");
  } else if (allowed.empty()) {
    refusal = error_response(404, "there is nothing at " + request.path);
  } else {
    refusal = error_response(405, "wanted one of the methods " + allowed);
    refusal.headers.emplace_back("Allow", allowed);
  }
  return nullptr;
}

Response Router::answer(const Request& request) const {
  Captures captures;
  Response refusal;
  const Entry* entry = find(request, captures, refusal);
  return entry == nullptr ? refusal : entry->route(request, captures);
}

std::optional<Response> Router::refuse(Request& header) const {
  Captures captures;
  Response refusal;
  const Entry* entry = find(header, captures, refusal);
  if (entry == nullptr) return refusal;
  return entry->prepare ? entry->prepare(header, captures) : std::nullopt;
}

std::vector<Router::Listed> Router::routes() const {
  std::vector<Listed> routes;
  for (const Entry& entry : entries_) {
    std::string pattern;
    for (const std::string& part : entry.pattern) pattern += "/" + part;
    routes.push_back({entry.method, std::move(pattern), entry.least});
  }
  return routes;
}

}  // namespace obscura::server
