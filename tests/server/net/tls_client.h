// The plain client through TLS, by OpenSSL's blocking calls. It does not ask who the server is.
#pragma once

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>

#include "server/client.h"

namespace obscura::server::testing {

class TlsClient final : public Client {
 public:
  // Speaks no version after `newest`, as OpenSSL numbers them; 0: any.
  explicit TlsClient(std::uint16_t port, int newest = 0) : Client(port) {
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(context_, 0);
    SSL_CTX_set_max_proto_version(context_, newest);
    SSL_CTX_set_security_level(context_, 0);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, descriptor());
    secure_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() override {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  bool secure() const { return secure_; }
  std::string version() const { return SSL_get_version(ssl_); }
  // When the server's certificate ends, as it stands in there; empty without one.
  std::string certificate_end() const {
    X509* shown = SSL_get1_peer_certificate(ssl_);
    if (shown == nullptr) return "";
    const ASN1_TIME* end = X509_get0_notAfter(shown);
    std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(end)),
                     static_cast<std::size_t>(ASN1_STRING_length(end)));
    X509_free(shown);
    return text;
  }
  std::string cipher() const { return SSL_get_cipher(ssl_); }
  // Asks for new keys under way, as TLS up to 1.2 could. False if the server refuses.
  bool renegotiate() {
    return SSL_renegotiate(ssl_) == 1 && SSL_do_handshake(ssl_) == 1 &&
           request("GET", "/queue").status != 0;
  }

 private:
  ssize_t write_some(std::string_view bytes) override {
    return secure_ ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) : -1;
  }
  ssize_t read_some(char* bytes, std::size_t size) override {
    return secure_ ? SSL_read(ssl_, bytes, static_cast<int>(size)) : -1;
  }

  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  bool secure_ = false;
};

}  // namespace obscura::server::testing
