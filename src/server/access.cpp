#include "server/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

namespace obscura::server {
namespace {

// "example.org:80" to "example.org", "[::1]:80" to "::1".
std::string_view host_without_port(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.find(']');
    return end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  }
  return host.substr(0, host.find(':'));
}

bool is_loopback(std::string_view address) {
  in_addr v4{};
  const std::string text(address);
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return (::ntohl(v4.s_addr) >> 24) == 127;
  return address == "::1";
}

bool is_address(const std::string& text) {
  in6_addr any{};
  return ::inet_pton(AF_INET, text.c_str(), &any) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &any) == 1;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

}  // namespace

Result<ListenAddress> parse_listen_address(std::string_view text) {
  const Error error(ErrorKind::kInvalidInput,
                    fmt::format("wanted ADDRESS:PORT, as in 127.0.0.1:8188, found '{}'", text));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return error;
  ListenAddress listen;
  std::string_view digits = text.substr(colon + 1);
  auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), listen.port);
  if (digits.empty() || code != std::errc() || end != digits.data() + digits.size()) return error;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  listen.address = host == "localhost" ? "127.0.0.1" : std::string(host);
  if (!is_address(listen.address)) return error;
  return listen;
}

Result<Access> Access::create(const ListenAddress& listen, std::string token) {
  const bool sound =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
  if (!sound) {
    return Error(ErrorKind::kInvalidInput,
                 "--token: wanted printable ASCII characters without spaces");
  }
  if (!is_loopback(listen.address) && token.empty()) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("others could reach this service at {}: give --token, or listen at "
                             "127.0.0.1",
                             listen.address));
  }
  return Access(listen.address, std::move(token));
}

bool Access::names_this_service(std::string_view host) const {
  const std::string name = lower(host_without_port(host));
  return name == "localhost" || name == address_ || is_loopback(name);
}

bool Access::carries_token(const Request& request) const {
  std::string given = request.header("authorization");
  if (lower(std::string_view(given).substr(0, 7)) == "bearer ") {
    given.erase(0, 7);
  } else if (const std::string* parameter = request.parameter("token")) {
    given = *parameter;
  } else {
    return false;
  }
  // In the same time however much of it is right.
  return given.size() == token_.size() &&
         CRYPTO_memcmp(given.data(), token_.data(), token_.size()) == 0;
}

std::optional<Response> Access::refuse(const Request& request) const {
  const std::string host = request.header("host");
  // A page of a stranger cannot know the token, and a service beyond loopback has many names.
  if (token_.empty() && !names_this_service(host)) {
    return error_response(
        403, fmt::format("this service is not called '{}': ask for it as localhost", host));
  }
  if (request.has_header("origin")) {
    const std::string origin = lower(request.header("origin"));
    const std::size_t scheme = origin.find("://");
    if (scheme == std::string::npos || origin.substr(scheme + 3) != lower(host)) {
      return error_response(403, fmt::format("a page from '{}' may not use this service", origin));
    }
  }
  // Requests without Origin, such as pictures in a page: modern browsers say where they come from.
  // Following a link is fine.
  const bool follows_link = request.header("sec-fetch-mode") == "navigate" &&
                            (request.method == "GET" || request.method == "HEAD");
  if (request.header("sec-fetch-site") == "cross-site" && !follows_link) {
    return error_response(403, "a page from elsewhere may not use this service");
  }
  if (!token_.empty() && !carries_token(request)) {
    Response response = error_response(
        401, "wanted the token that the service was started with, as `Authorization: Bearer …`");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    return response;
  }
  return std::nullopt;
}

}  // namespace obscura::server
