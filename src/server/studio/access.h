// Who may talk to the service, and as whom.
//
// A browser on this machine shows pages of strangers, and such a page may try to reach a service
// on loopback: by a name that its owner points at 127.0.0.1 (DNS rebinding), by a form or script
// across sites, or by a WebSocket, which no same-origin rule holds back. So a request must name
// this service in its Host, and its Origin, if it has one, must be the service itself.
//
// Who is who: the token that the service was started with is the owner's; the others are users'.
// `Authorization: Bearer TOKEN`, the password of `Authorization: Basic` (as A1111's clients send
// it), `token=` in the query for what cannot set headers (images, WebSockets), or the cookie of a
// session. On loopback without a token of the service, a request without any is the owner's:
// whoever is on this machine. A wrong token is always refused.
//
// Limits: wrong tokens by address, and requests of users by name.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "server/net/http.h"
#include "store/account_store.h"

namespace obscura::server {

struct ListenAddress {
  std::string address = "127.0.0.1";  // without brackets
  std::uint16_t port = 8188;
};

// "127.0.0.1:8188", "[::1]:8188", "0.0.0.0:80", "localhost:8188". kInvalidInput for anything else.
Result<ListenAddress> parse_listen_address(std::string_view text);

struct AccessOptions {
  ListenAddress listen;
  std::string token;      // the owner's; empty: none
  bool tls = false;       // connections are encrypted
  bool insecure = false;  // others may connect, without TLS
};

// How often something may be done: `burst` times at once, `rate` times a second after that.
class RateLimit {
 public:
  using Clock = std::chrono::steady_clock;
  RateLimit(double rate, double burst) : rate_(rate), burst_(burst) {}

  // False: too often. `key` is who does it.
  bool take(const std::string& key, Clock::time_point now = Clock::now());
  // Whether take() would give true.
  bool allows(const std::string& key, Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double tokens;
    Clock::time_point filled;
  };
  Bucket& bucket(const std::string& key, Clock::time_point now);
  double rate_, burst_;
  std::map<std::string, Bucket> buckets_;
};

// Thread safe.
class Access {
 public:
  // kInvalidInput if others than this machine's users could connect, and there is no token or
  // nobody has chosen to go without TLS.
  static Result<Access> create(const AccessOptions& options);
  Access(Access&& other) noexcept;

  // Without it there are no users beside the owner; borrowed.
  void use(const store::AccountStore& accounts) { accounts_ = &accounts; }

  // Fills in request.caller, or says why not: 401, 403, 404 for a project that the caller cannot
  // see, 429. A caller without a token stays nobody where one is needed.
  std::optional<Response> refuse(Request& request);

  // The value for Set-Cookie of a new session for whoever has this token, with the caller; or the
  // refusal.
  struct Login {
    Caller caller;
    std::string cookie;
  };
  std::variant<Login, Response> log_in(const Request& request, const std::string& token);
  // Ends the request's session, if it has one; the value for Set-Cookie.
  std::string log_out(const Request& request);

 private:
  explicit Access(const AccessOptions& options) : options_(options) {}
  std::optional<Response> refuse_stranger(const Request& request) const;
  bool names_this_service(std::string_view host) const;
  std::optional<Caller> caller_of(const std::string& token_digest) const;
  std::optional<Caller> caller_of_session(const Request& request);
  std::optional<Response> choose_project(Request& request) const;
  Response wrong_token(const Request& request);
  std::string cookie(const std::string& value, int seconds) const;

  struct Session {
    std::string token_digest;
    std::chrono::steady_clock::time_point end;
  };
  AccessOptions options_;
  std::string token_digest_;
  const store::AccountStore* accounts_ = nullptr;
  std::mutex mutex_;  // guards what follows
  std::map<std::string, Session> sessions_;
  RateLimit wrong_tokens_{0.1, 10}, requests_{200, 1000};
};

// A new random token: 256 bits in hex.
std::string new_token();

}  // namespace obscura::server
