// Who may talk to the service.
//
// A browser on this machine shows pages of strangers, and such a page may try to reach a service
// on loopback: by a name that its owner points at 127.0.0.1 (DNS rebinding), by a form or script
// across sites, or by a WebSocket, which no same-origin rule holds back. So a request must name
// this service in its Host, and its Origin, if it has one, must be the service itself.
//
// Where a token is set, every request must carry it: `Authorization: Bearer TOKEN`, or `token=` in
// the query for what cannot set headers (pictures, WebSockets).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/http.h"

namespace obscura::server {

struct ListenAddress {
  std::string address = "127.0.0.1";  // without brackets
  std::uint16_t port = 8188;
};

// "127.0.0.1:8188", "[::1]:8188", "0.0.0.0:80", "localhost:8188". kInvalidInput for anything else.
Result<ListenAddress> parse_listen_address(std::string_view text);

class Access {
 public:
  // kInvalidInput if others than this machine's users could connect and there is no token.
  static Result<Access> create(const ListenAddress& listen, std::string token);

  // 401 or 403, with what is wrong; none if the request may pass.
  std::optional<Response> refuse(const Request& request) const;

 private:
  Access(std::string address, std::string token)
      : address_(std::move(address)), token_(std::move(token)) {}
  bool names_this_service(std::string_view host) const;
  bool carries_token(const Request& request) const;

  std::string address_;
  std::string token_;
};

}  // namespace obscura::server
