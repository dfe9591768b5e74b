#include "server/net/http.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/trim.h"

namespace obscura::server {
namespace {

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

constexpr std::string_view kHeaderBlanks = " \t";

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// The text up to its closing quote; `at` is behind the opening one and ends behind the other.
std::string quoted(std::string_view header, std::size_t& at) {
  std::string value;
  for (; at < header.size() && header[at] != '"'; ++at) {
    // Browsers send Windows paths unescaped: a backslash escapes only a quote or itself.
    bool escape = header[at] == '\\' && at + 1 < header.size() &&
                  (header[at + 1] == '"' || header[at + 1] == '\\');
    if (escape) ++at;
    value += header[at];
  }
  if (at < header.size()) ++at;
  return value;
}

}  // namespace

std::string_view name_of(Role role) {
  switch (role) {
    case Role::kNobody:
      return "nobody";
    case Role::kViewer:
      return "viewer";
    case Role::kArtist:
      return "artist";
    case Role::kOwner:
      return "owner";
  }
  return "nobody";
}

std::optional<Role> role_of(std::string_view name) {
  for (Role role : {Role::kViewer, Role::kArtist, Role::kOwner})
    if (name == name_of(role)) return role;
  return std::nullopt;
}

std::string Request::header(const std::string& lower_case_name) const {
  auto found = headers.find(lower_case_name);
  return found == headers.end() ? "" : found->second;
}

bool Request::has_header(const std::string& lower_case_name) const {
  return headers.find(lower_case_name) != headers.end();
}

const std::string* Request::parameter(const std::string& name) const {
  auto found = query.find(name);
  return found == query.end() ? nullptr : &found->second;
}

Response json_response(std::string body, int status) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response error_response(int status, std::string_view text) {
  const nlohmann::json body = {{"error", text}};
  return json_response(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), status);
}

ErrorAnswer answer_to(const Error& error) {
  switch (error.kind()) {
    case ErrorKind::kInvalidInput:
    case ErrorKind::kCorrupt:
    case ErrorKind::kUnsupported:
      return {400, error.message()};
    case ErrorKind::kNotFound:
      return {404, error.message()};
    case ErrorKind::kDiskFull:
      log::error("{}", error.message());
      return {507, "the disk of the service is full; nothing was changed"};
    case ErrorKind::kIo:
      log::error("{}", error.message());
      return {500, "the service cannot read or write its files: its log says why"};
    default:
      return {500, error.message()};
  }
}

Response error_response(const Error& error) {
  const ErrorAnswer answer = answer_to(error);
  return error_response(answer.status, answer.text);
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char next = text[i];
    if (next == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return Error(ErrorKind::kInvalidInput, "a % in the address is not followed by two digits");
      }
      next = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (next == '+' && plus_is_space) {
      next = ' ';
    }
    if (next == '\0') return Error(ErrorKind::kInvalidInput, "the address has a zero byte");
    decoded += next;
  }
  return decoded;
}

Status parse_target(std::string_view target, Request& request) {
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (!request.path.starts_with('/')) {
    return Error(ErrorKind::kInvalidInput, "the address does not start with /");
  }
  std::string_view rest = mark == std::string_view::npos ? "" : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    OBSCURA_ASSIGN(std::string name, percent_decode(pair.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      OBSCURA_ASSIGN(value, percent_decode(pair.substr(equals + 1), true));
    }
    request.query.emplace(std::move(name), std::move(value));
  }
  return {};
}

std::string header_parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    ++at;
    const std::size_t equals = header.find_first_of("=;", at);
    if (equals == std::string_view::npos) return "";
    if (header[equals] == ';') {
      at = equals;
      continue;
    }
    const bool wanted =
        equal_without_case(trimmed(header.substr(at, equals - at), kHeaderBlanks), name);
    at = equals + 1;
    std::string value;
    if (at < header.size() && header[at] == '"') {
      ++at;
      value = quoted(header, at);
      at = header.find(';', at);
    } else {
      const std::size_t end = header.find(';', at);
      value =
          trimmed(header.substr(at, end == std::string_view::npos ? end : end - at), kHeaderBlanks);
      at = end;
    }
    if (wanted) return value;
  }
  return "";
}

}  // namespace obscura::server
