// The certificate that the service shows and its key, ready for connections: TLS 1.2 or 1.3, by
// OpenSSL, with ciphers that keep past traffic secret should the key ever leak.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"

struct ssl_ctx_st;

namespace obscura::server {

// Both in PEM; the certificate is followed by those that vouch for it, if any.
struct CertificateFiles {
  std::filesystem::path certificate, key;
};

// Thread safe; copies share the same.
class TlsContext {
 public:
  // kInvalidInput, with the file's name, if one cannot be read or is none, if the key wants a
  // password or is another certificate's, or if the certificate holds at another time than now.
  static Result<TlsContext> load(const CertificateFiles& files);

  // What the files hold now, if they have changed since they were last looked at; errors as load().
  Result<std::optional<TlsContext>> renewed();

  // SHA-256 of the certificate, as browsers show it: "AB:CD:…".
  const std::string& fingerprint() const { return fingerprint_; }
  // Whether the certificate still holds in so many days.
  bool holds_for(int days) const;
  ssl_ctx_st* native() const { return context_.get(); }

 private:
  explicit TlsContext(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
  std::shared_ptr<ssl_ctx_st> context_;
  std::string fingerprint_;
  CertificateFiles files_;
  std::array<std::filesystem::file_time_type, 2> written_;  // of the files
};

}  // namespace obscura::server
