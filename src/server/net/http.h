// Requests and responses as the routes see them: plain values, no socket in sight.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace obscura::server {

// What somebody may do: look; also change what is in a project; everything.
enum class Role { kNobody, kViewer, kArtist, kOwner };
std::string_view name_of(Role role);  // "viewer", …
std::optional<Role> role_of(std::string_view name);

// Who makes a request, and the project in which it acts.
struct Caller {
  std::string user;  // empty: nobody known
  Role role = Role::kNobody;
  std::string project;
  std::vector<std::string> projects;  // all that it may see; empty for an owner, who sees all
};

struct Request {
  std::string method;                               // "GET", upper case
  std::string path;                                 // raw, still percent-encoded, without query
  std::map<std::string, std::string> query;         // decoded; the first of equal names
  std::multimap<std::string, std::string> headers;  // names in lower case
  std::string body;
  // If it is there once the header was looked at, the body goes into it, not into `body`.
  std::shared_ptr<AtomicFile> body_file;
  bool websocket = false;  // it asks to become a WebSocket
  std::string peer;        // the address that it comes from
  Caller caller;           // filled in by Access

  // Empty if there is none.
  std::string header(const std::string& lower_case_name) const;
  bool has_header(const std::string& lower_case_name) const;
  // Null if there is none.
  const std::string* parameter(const std::string& name) const;
};

struct Response;
using Respond = std::function<void(Response)>;

struct Response {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  // Sent in place of the body.
  std::optional<std::filesystem::path> file;
  bool delete_file = false;  // once it is open
  std::vector<std::pair<std::string, std::string>> headers;
  // If set, nothing of the above is sent: this is called, and calls back with the response once it
  // is there, from whatever thread.
  std::function<void(Respond)> later;
};

Response json_response(std::string body, int status = 200);
// {"error": text}.
Response error_response(int status, std::string_view text);

// How an error is answered. Texts that hold whole paths of files are nothing for who may be far
// away: the log has them.
struct ErrorAnswer {
  int status = 500;
  std::string text;
};
ErrorAnswer answer_to(const Error& error);
Response error_response(const Error& error);

// "%2F" to "/". Without `plus_is_space`, "+" stands for itself. kInvalidInput for a broken escape
// or a zero byte.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

// Splits a request's target ("/view?filename=a%20b.png") into path and query.
Status parse_target(std::string_view target, Request& request);

// A value within quotes and \-escapes, as in `filename="a \"b\".png"`; what comes before the next
// semicolon otherwise. Empty if the parameter is not there.
std::string header_parameter(std::string_view header, std::string_view name);

}  // namespace obscura::server
