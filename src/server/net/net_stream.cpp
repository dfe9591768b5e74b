#include "server/net/net_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace obscura::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kRecord = 16 << 10;  // the most that one record of TLS holds
constexpr std::size_t kMostDrained = std::size_t{8} << 20;
constexpr std::chrono::seconds kDrainTime{2};

constexpr std::string_view kSpeaksTls =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n"
    "Content-Length: 71\r\n\r\n"
    R"({"error": "this address speaks TLS: ask for it by https:// or wss://"})"
    "\n";

bool spoke_http(error_code error) {
  return error.category() == asio::error::get_ssl_category() &&
         ERR_GET_REASON(static_cast<unsigned long>(error.value())) == SSL_R_HTTP_REQUEST;
}

}  // namespace

struct NetStream::Implementation {
  Implementation(asio::ip::tcp::socket socket, ssl_ctx_st* context) : tcp(std::move(socket)) {
    if (context != nullptr) tls.emplace(tcp, SSL_new(context));
  }

  void drain(std::function<void()> done) {
    if (drained >= kMostDrained) return end(done);
    scratch.resize(64 << 10);
    tcp.async_read_some(asio::buffer(scratch),
                        [this, done = std::move(done)](error_code error, std::size_t got) {
                          drained += got;
                          if (error) return end(done);
                          drain(done);
                        });
  }
  void end(const std::function<void()>& done) {
    tcp.close();
    done();
  }

  boost::beast::tcp_stream tcp;
  std::optional<asio::ssl::stream<boost::beast::tcp_stream&>> tls;  // none: in the clear
  bool secure = false;                                              // TLS has shaken hands
  std::vector<char> scratch;  // what is written, or what is read and thrown away
  std::size_t drained = 0;
};

NetStream::NetStream(asio::ip::tcp::socket socket, ssl_ctx_st* tls)
    : implementation_(std::make_unique<Implementation>(std::move(socket), tls)) {}
NetStream::NetStream(NetStream&&) noexcept = default;
NetStream::~NetStream() = default;

NetStream::executor_type NetStream::get_executor() {
  return implementation_->tcp.get_executor();
}

std::string NetStream::peer() const {
  error_code error;
  const auto endpoint = implementation_->tcp.socket().remote_endpoint(error);
  return error ? std::string() : endpoint.address().to_string();
}

void NetStream::expires_after(std::chrono::steady_clock::duration time) {
  implementation_->tcp.expires_after(time);
}

void NetStream::expires_never() {
  implementation_->tcp.expires_never();
}

void NetStream::handshake(std::function<void(error_code)> done) {
  Implementation& own = *implementation_;
  if (!own.tls) return done({});
  own.tls->async_handshake(
      asio::ssl::stream_base::server, [&own, done = std::move(done)](error_code error) {
        own.secure = !error;
        if (!spoke_http(error)) return done(error);
        asio::async_write(own.tcp, asio::buffer(kSpeaksTls),
                          [done, error](error_code, std::size_t) { done(error); });
      });
}

void NetStream::finish(std::function<void()> done) {
  Implementation& own = *implementation_;
  own.tcp.expires_after(kDrainTime);
  auto end_tcp = [&own, done = std::move(done)](error_code) {
    error_code ignored;
    own.tcp.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    own.drain(done);
  };
  // Ends with an error where the other is still sending; it has been told all the same.
  if (own.secure) return own.tls->async_shutdown(std::move(end_tcp));
  end_tcp({});
}

void NetStream::close() {
  implementation_->tcp.close();
}

void NetStream::read_some(asio::mutable_buffer into, Transferred transferred) {
  Implementation& own = *implementation_;
  if (own.tls) return own.tls->async_read_some(into, std::move(transferred));
  own.tcp.async_read_some(into, std::move(transferred));
}

void NetStream::write_some(std::span<const asio::const_buffer> parts, Transferred transferred) {
  Implementation& own = *implementation_;
  asio::const_buffer bytes = parts.empty() ? asio::const_buffer() : parts.front();
  // A head and what follows it share a record, and a packet.
  if (parts.size() > 1 && bytes.size() < kRecord) {
    own.scratch.clear();
    for (const asio::const_buffer& part : parts) {
      const char* begin = static_cast<const char*>(part.data());
      const std::size_t room = kRecord - own.scratch.size();
      own.scratch.insert(own.scratch.end(), begin, begin + std::min(part.size(), room));
    }
    bytes = asio::buffer(own.scratch);
  }
  if (own.tls) return own.tls->async_write_some(bytes, std::move(transferred));
  own.tcp.async_write_some(bytes, std::move(transferred));
}

}  // namespace obscura::server
