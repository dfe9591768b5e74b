#include "server/net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>
#include <string_view>

#include "base/check.h"

namespace obscura::server {
namespace {

// What OpenSSL said first, which is the cause; leaves nothing behind for the next call.
std::string openssl_reason() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  const char* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "OpenSSL gives no reason" : reason;
}

Error refused(const std::filesystem::path& file, std::string_view why) {
  return Error(ErrorKind::kInvalidInput, fmt::format("{}: {}", file.string(), why));
}

std::string date(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  OBSCURA_CHECK(X509_digest(certificate, EVP_sha256(), digest, &size) == 1, "no SHA-256");
  std::string text;
  for (unsigned int i = 0; i < size; ++i)
    text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest[i]);
  return text;
}

// When each was last written; the earliest time of all for one that is not there.
std::array<std::filesystem::file_time_type, 2> times_of(const CertificateFiles& files) {
  std::error_code ignored;
  return {std::filesystem::last_write_time(files.certificate, ignored),
          std::filesystem::last_write_time(files.key, ignored)};
}

// A service that starts by itself has nobody to ask.
int no_password(char*, int, int, void*) {
  return -1;
}

void set_policy(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  OBSCURA_CHECK(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1,
                "OpenSSL lacks the ciphers of TLS 1.2");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);  // idle connections are many
  SSL_CTX_set_default_passwd_cb(context, no_password);
}

}  // namespace

Result<TlsContext> TlsContext::load(const CertificateFiles& files) {
  ERR_clear_error();
  const auto written = times_of(files);  // before they are read: a later change is seen as one
  TlsContext tls({SSL_CTX_new(TLS_server_method()), SSL_CTX_free});
  SSL_CTX* context = tls.native();
  OBSCURA_CHECK(context != nullptr, "OpenSSL gives no context");
  set_policy(context);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return refused(files.certificate,
                   "wanted a certificate in PEM, found none: " + openssl_reason());
  }
  const X509* certificate = SSL_CTX_get0_certificate(context);
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return refused(files.certificate,
                   "the certificate has expired on " + date(X509_get0_notAfter(certificate)));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    return refused(files.certificate,
                   "the certificate holds only from " + date(X509_get0_notBefore(certificate)));
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return refused(files.key,
                   fmt::format("wanted the key of {} in PEM without a password, found none: {}",
                               files.certificate.string(), openssl_reason()));
  }
  tls.fingerprint_ = fingerprint_of(certificate);
  tls.files_ = files;
  tls.written_ = written;
  return tls;
}

Result<std::optional<TlsContext>> TlsContext::renewed() {
  const auto now = times_of(files_);
  if (now == written_) return std::optional<TlsContext>();
  written_ = now;
  OBSCURA_ASSIGN(TlsContext tls, load(files_));
  return std::optional(std::move(tls));
}

bool TlsContext::holds_for(int days) const {
  std::time_t then = std::time(nullptr) + std::time_t{days} * 24 * 3600;
  return X509_cmp_time(X509_get0_notAfter(SSL_CTX_get0_certificate(native())), &then) > 0;
}

}  // namespace obscura::server
