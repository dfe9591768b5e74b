#include "server/router.h"

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

void Router::add(std::string method, std::string_view pattern, Route route) {
  entries_.push_back({std::move(method), components(pattern), std::move(route)});
}

Response Router::answer(const Request& request) const {
  std::vector<std::string> path = components(request.path);
  if (path.size() > 1 && path.front() == "api") path.erase(path.begin());
  for (std::string& part : path) {
    Result<std::string> decoded = percent_decode(part);
    if (!decoded.ok()) return error_response(400, decoded.error().message());
    part = std::move(decoded).value();
  }
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string allowed;
  for (const Entry& entry : entries_) {
    auto captures = fit(entry.pattern, path);
    if (!captures) continue;
    if (entry.method == method) return entry.route(request, *captures);
    allowed += (allowed.empty() ? "" : ", ") + entry.method;
  }
  if (allowed.empty()) return error_response(404, "there is nothing at " + request.path);
  Response response = error_response(405, "wanted one of the methods " + allowed);
  response.headers.emplace_back("Allow", allowed);
  return response;
}

}  // namespace obscura::server
