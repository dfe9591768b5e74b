#include "server/studio/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/hash.h"
#include "base/lower_case.h"

namespace obscura::server {
namespace {

constexpr char kCookie[] = "obscura_session";
constexpr std::chrono::hours kSessionTime{12};
constexpr std::size_t kMostSessions = 10'000, kMostBuckets = 10'000;

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

// The password of `Basic BASE64(name:password)`.
std::optional<std::string> password_in(std::string_view basic) {
  auto text = decode_base64(basic);
  if (!text.ok()) return std::nullopt;
  const std::size_t colon = text->find(':');
  return colon == std::string::npos ? std::nullopt : std::optional(text->substr(colon + 1));
}

// None if the request carries none at all.
std::optional<std::string> token_in(const Request& request) {
  const std::string given = request.header("authorization");
  const std::string scheme = lower_case(std::string_view(given).substr(0, 7));
  if (scheme == "bearer ") return given.substr(7);
  if (scheme.starts_with("basic ")) return password_in(given.substr(6)).value_or("");
  if (!given.empty()) return "";
  const std::string* parameter = request.parameter("token");
  return parameter == nullptr ? std::nullopt : std::optional(*parameter);
}

Response too_many() {
  Response response = error_response(429, "too many requests: wait a little");
  response.headers.emplace_back("Retry-After", "10");
  return response;
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

bool RateLimit::allows(const std::string& key, Clock::time_point now) {
  return bucket(key, now).tokens >= 1;
}

bool RateLimit::take(const std::string& key, Clock::time_point now) {
  Bucket& own = bucket(key, now);
  if (own.tokens < 1) return false;
  own.tokens -= 1;
  return true;
}

RateLimit::Bucket& RateLimit::bucket(const std::string& key, Clock::time_point now) {
  // Addresses are many: those that are full again need not be remembered.
  if (buckets_.size() > kMostBuckets) {
    std::erase_if(buckets_, [&](const auto& entry) {
      return std::chrono::duration<double>(now - entry.second.filled).count() * rate_ >= burst_;
    });
  }
  auto [found, added] = buckets_.try_emplace(key, Bucket{burst_, now});
  Bucket& own = found->second;
  const double seconds = std::chrono::duration<double>(now - own.filled).count();
  own.tokens = std::min(burst_, own.tokens + seconds * rate_);
  own.filled = now;
  return own;
}

Result<Access> Access::create(const AccessOptions& options) {
  const std::string& token = options.token;
  const bool sound =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
  if (!sound) {
    return Error(ErrorKind::kInvalidInput,
                 "--token: wanted printable ASCII characters without spaces");
  }
  if (!is_loopback(options.listen.address)) {
    if (token.empty()) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("others could reach this service at {}: give --token, or listen at "
                               "127.0.0.1",
                               options.listen.address));
    }
    if (!options.tls && !options.insecure) {
      return Error(ErrorKind::kInvalidInput,
                   fmt::format("at {} tokens and images cross the network in the clear: give "
                               "--tls-cert and --tls-key or --tls-self-signed; or choose "
                               "--insecure, behind a proxy that speaks TLS",
                               options.listen.address));
    }
  }
  Access access(options);
  if (!token.empty()) access.token_digest_ = sha256_hex(token);
  return access;
}

Access::Access(Access&& other) noexcept
    : options_(std::move(other.options_)),
      token_digest_(std::move(other.token_digest_)),
      accounts_(other.accounts_),
      sessions_(std::move(other.sessions_)) {}

bool Access::names_this_service(std::string_view host) const {
  const std::string name = lower_case(host_without_port(host));
  return name == "localhost" || name == options_.listen.address || is_loopback(name);
}

std::optional<Response> Access::refuse_stranger(const Request& request) const {
  const std::string host = request.header("host");
  // A page of a stranger cannot know the token, and a service beyond loopback has many names.
  if (options_.token.empty() && !names_this_service(host)) {
    return error_response(
        403, fmt::format("this service is not called '{}': ask for it as localhost", host));
  }
  if (request.has_header("origin")) {
    const std::string origin = lower_case(request.header("origin"));
    const std::string name = "://" + lower_case(host);
    // In the clear, a proxy that speaks TLS may be before us.
    if (origin != "https" + name && (options_.tls || origin != "http" + name)) {
      return error_response(403, fmt::format("a page from '{}' may not use this service", origin));
    }
  }
  // Requests without Origin, such as images in a page: modern browsers say where they come from.
  // Following a link is fine.
  const bool follows_link = request.header("sec-fetch-mode") == "navigate" &&
                            (request.method == "GET" || request.method == "HEAD");
  if (request.header("sec-fetch-site") == "cross-site" && !follows_link) {
    return error_response(403, "a page from elsewhere may not use this service");
  }
  return std::nullopt;
}

std::optional<Caller> Access::caller_of(const std::string& token_digest) const {
  // Digests are compared, so the time that it takes says nothing of the token.
  if (!token_digest_.empty() && token_digest == token_digest_) {
    return Caller{"owner", Role::kOwner, "", {}};
  }
  if (accounts_ == nullptr) return std::nullopt;
  auto user = accounts_->find_user_by_token_digest(token_digest);
  if (!user.ok() || !*user) return std::nullopt;
  const auto role = role_of((*user)->role);
  if (!role) return std::nullopt;
  return Caller{(*user)->name, *role, "", (*user)->projects};
}

std::optional<Caller> Access::caller_of_session(const Request& request) {
  const std::string id = header_parameter("; " + request.header("cookie"), kCookie);
  if (id.empty()) return std::nullopt;
  std::string digest;
  {
    std::lock_guard lock(mutex_);
    auto found = sessions_.find(sha256_hex(id));
    if (found == sessions_.end()) return std::nullopt;
    if (found->second.end < std::chrono::steady_clock::now()) {
      sessions_.erase(found);
      return std::nullopt;
    }
    digest = found->second.token_digest;
  }
  // Asked each time: a user that was deleted is gone at once.
  return caller_of(digest);
}

std::optional<Response> Access::choose_project(Request& request) const {
  Caller& caller = request.caller;
  const std::string* parameter = request.parameter("project");
  std::string wanted = parameter != nullptr ? *parameter : request.header("x-obscura-project");
  const bool owner = caller.role == Role::kOwner;
  if (wanted.empty()) {
    wanted = owner                     ? store::kDefaultProject
             : caller.projects.empty() ? ""
                                       : caller.projects.front();
  }
  const bool visible = owner || std::find(caller.projects.begin(), caller.projects.end(), wanted) !=
                                    caller.projects.end();
  bool there = visible && wanted == store::kDefaultProject;
  if (visible && !there && accounts_ != nullptr) {
    auto project = accounts_->find_project(wanted);
    there = project.ok() && *project;
  }
  // The same answer for one that is not there and for one that is not the caller's.
  if (!there) return error_response(404, fmt::format("there is no project '{}'", wanted));
  caller.project = wanted;
  return std::nullopt;
}

Response Access::wrong_token(const Request& request) {
  {
    std::lock_guard lock(mutex_);
    static_cast<void>(wrong_tokens_.take(request.peer));
  }
  Response response = error_response(401, "the token is not right");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

std::optional<Response> Access::refuse(Request& request) {
  if (auto refusal = refuse_stranger(request)) return refusal;
  request.caller = {};
  if (const auto token = token_in(request)) {
    {
      std::lock_guard lock(mutex_);
      if (!wrong_tokens_.allows(request.peer)) return too_many();
    }
    auto caller = caller_of(sha256_hex(*token));
    if (!caller) return wrong_token(request);
    request.caller = std::move(*caller);
  } else if (auto caller = caller_of_session(request)) {
    request.caller = std::move(*caller);
  } else if (options_.token.empty()) {
    request.caller = Caller{"owner", Role::kOwner, "", {}};
  } else {
    return std::nullopt;  // nobody: the routes decide
  }
  if (request.caller.role != Role::kOwner) {
    std::lock_guard lock(mutex_);
    if (!requests_.take(request.caller.user)) return too_many();
  }
  return choose_project(request);
}

std::string Access::cookie(const std::string& value, int seconds) const {
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{}", kCookie, value,
                     seconds, options_.tls ? "; Secure" : "");
}

std::variant<Access::Login, Response> Access::log_in(const Request& request,
                                                     const std::string& token) {
  {
    std::lock_guard lock(mutex_);
    if (!wrong_tokens_.allows(request.peer)) return too_many();
  }
  const std::string digest = sha256_hex(token);
  auto caller = caller_of(digest);
  if (!caller) return wrong_token(request);
  Request as_caller = request;
  as_caller.caller = *caller;
  if (auto refusal = choose_project(as_caller)) return *refusal;
  const std::string id = new_token();
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second.end < now; });
  if (sessions_.size() >= kMostSessions) return too_many();
  sessions_[sha256_hex(id)] = {digest, now + kSessionTime};
  return Login{as_caller.caller,
               cookie(id, static_cast<int>(kSessionTime / std::chrono::seconds(1)))};
}

std::string Access::log_out(const Request& request) {
  const std::string id = header_parameter("; " + request.header("cookie"), kCookie);
  std::lock_guard lock(mutex_);
  sessions_.erase(sha256_hex(id));
  return cookie("", 0);
}

std::string new_token() {
  unsigned char bytes[32];
  OBSCURA_CHECK(::getrandom(bytes, sizeof bytes, 0) == sizeof bytes, "getrandom gave too little");
  std::string token;
  for (unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

}  // namespace obscura::server
