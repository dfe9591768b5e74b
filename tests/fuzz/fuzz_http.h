// What must hold for any bytes that stand in an HTTP request's target, headers and body, as far as
// they are read by code of ours: they are read, or refused, and what was read makes sense.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/check.h"
#include "server/net/http.h"
#include "server/net/multipart.h"
#include "server/net/router.h"

namespace obscura::fuzz {

inline bool is_within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

inline const server::Router& fuzz_router() {
  static const server::Router router = [] {
    server::Router made;
    for (const char* pattern : {"/", "/a", "/a/{}", "/a/{}/b", "/a/{}/b/{}", "/{}/{}/{}"}) {
      made.add("GET", pattern, [](const server::Request&, const server::Captures& captures) {
        for (const std::string& capture : captures)
          OBSCURA_CHECK(capture.find('\0') == std::string::npos, "a zero byte in a name");
        return server::json_response("{}");
      });
    }
    return made;
  }();
  return router;
}

// The first line is a target, the second a header, the rest a body. True if the target is sound.
inline bool fuzz_http(std::string_view text) {
  const std::size_t first = text.find('\n');
  const std::string_view target = text.substr(0, first);
  const std::string_view rest = first == std::string_view::npos ? "" : text.substr(first + 1);
  const std::size_t second = rest.find('\n');
  const std::string_view header = rest.substr(0, second);
  const std::string_view body = second == std::string_view::npos ? "" : rest.substr(second + 1);

  for (const char* name : {"boundary", "filename", "name"}) {
    const std::string value = server::header_parameter(header, name);
    OBSCURA_CHECK(value.size() <= header.size(), "a value longer than its header");
  }
  if (auto parts = server::parse_form(header, body); parts.ok()) {
    for (const server::FormPart& part : *parts)
      OBSCURA_CHECK(is_within(part.content, body), "a part that is not of the body");
  }
  if (auto bytes = decode_base64(body); bytes.ok()) {
    auto again = decode_base64(encode_base64(*bytes));
    OBSCURA_CHECK(again.ok() && *again == *bytes, "what was decoded is encoded otherwise");
  }

  server::Request request;
  request.method = "GET";
  request.caller.role = server::Role::kOwner;
  if (!server::parse_target(target, request).ok()) return false;
  for (const auto& [name, value] : request.query)
    OBSCURA_CHECK((name + value).find('\0') == std::string::npos, "a zero byte in a parameter");
  const int status = fuzz_router().answer(request).status;
  OBSCURA_CHECK(status == 200 || status == 400 || status == 404, "an answer that no route gives");
  return true;
}

inline bool fuzz_http(std::span<const std::byte> bytes) {
  return fuzz_http(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace obscura::fuzz
