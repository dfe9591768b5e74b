#include "server/net/transport.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>
#include <vector>

#include "base/log.h"
#include "server/net/http_connection.h"
#include "server/net/transport_core.h"
#include "server/net/web_socket.h"

namespace obscura::server {
namespace {

namespace asio = boost::asio;
namespace ip = boost::asio::ip;
using boost::system::error_code;

}  // namespace

void TransportCore::accept() {
  acceptor.async_accept([this](error_code error, ip::tcp::socket socket) {
    if (stopping) return;
    if (error) {
      // Most likely out of descriptors: some will be free again.
      pause.expires_after(std::chrono::milliseconds(100));
      pause.async_wait([this](error_code) { accept(); });
      return;
    }
    welcome(std::move(socket));
    accept();
  });
}

void TransportCore::welcome(ip::tcp::socket socket) {
  error_code ignored;
  socket.set_option(ip::tcp::no_delay(true), ignored);
  if (connections >= options.connections) {
    // Who opens many and says nothing must not keep others out.
    if (headerless.empty()) return;
    headerless.front()->give_way();
  }
  ssl_ctx_st* tls = options.tls ? options.tls->native() : nullptr;
  std::make_shared<HttpConnection>(*this, NetStream(std::move(socket), tls))->start();
}

void TransportCore::look_after_sockets() {
  timer.expires_after(std::chrono::seconds(1));
  timer.async_wait([this](error_code error) {
    if (error || stopping) return;
    std::vector<std::shared_ptr<WebSocket>> stuck;
    for (auto& [id, socket] : sockets)
      if (auto alive = socket.lock(); alive && alive->stuck(std::chrono::steady_clock::now()))
        stuck.push_back(std::move(alive));
    for (auto& socket : stuck) socket->drop();
    renew_certificate();
    look_after_sockets();
  });
}

void TransportCore::renew_certificate() {
  if (!options.tls) return;
  auto renewed = options.tls->renewed();
  if (!renewed.ok()) {
    // Half of a renewal, perhaps: the other file will follow.
    log::warn("the certificate of before stays: {}", renewed.error().message());
  } else if (*renewed) {
    options.tls = **renewed;
    log::info("a new certificate; its SHA-256: {}", options.tls->fingerprint());
  }
}

void TransportCore::begin_stop() {
  if (stopping) return;
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  std::vector<std::shared_ptr<WebSocket>> open;
  for (auto& [id, socket] : sockets)
    if (auto alive = socket.lock()) open.push_back(std::move(alive));
  for (auto& socket : open) socket->close();
  timer.expires_after(std::chrono::milliseconds(open.empty() ? 0 : 200));
  timer.async_wait([this](error_code) { context.stop(); });
}

std::shared_ptr<WebSocket> TransportCore::find(SocketId socket) {
  auto found = sockets.find(socket);
  return found == sockets.end() ? nullptr : found->second.lock();
}

struct Transport::Implementation : TransportCore {
  using TransportCore::TransportCore;
};

Result<std::unique_ptr<Transport>> Transport::listen(const TransportOptions& options,
                                                     Handler& handler) {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted an IP address to listen at, found '{}'", options.address));
  }
  auto implementation = std::make_unique<Implementation>(options, handler);
  // On loopback it would speak for every other service at "localhost" too.
  implementation->strict_transport = options.tls && !address.is_loopback();
  ip::tcp::acceptor& acceptor = implementation->acceptor;
  const ip::tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error(ErrorKind::kIo, fmt::format("cannot listen at {} port {}: {}", options.address,
                                             options.port, error.message()));
  }
  implementation->accept();
  implementation->look_after_sockets();
  return std::unique_ptr<Transport>(new Transport(std::move(implementation)));
}

Transport::Transport(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Transport::~Transport() = default;

std::uint16_t Transport::port() const {
  error_code ignored;
  return implementation_->acceptor.local_endpoint(ignored).port();
}

void Transport::run() {
  implementation_->context.run();
}

void Transport::stop() {
  asio::post(implementation_->context, [self = implementation_.get()] { self->begin_stop(); });
}

void Transport::post(std::function<void()> task) {
  asio::post(implementation_->context, std::move(task));
}

void Transport::send_text(SocketId socket, std::string text) {
  post([self = implementation_.get(), socket, text = std::move(text)]() mutable {
    if (auto alive = self->find(socket)) alive->send(std::move(text), true);
  });
}

void Transport::send_preview(SocketId socket, std::string bytes) {
  post([self = implementation_.get(), socket, bytes = std::move(bytes)]() mutable {
    auto alive = self->find(socket);
    if (alive && alive->has_room()) alive->send(std::move(bytes), false);
  });
}

void Transport::close(SocketId socket) {
  post([self = implementation_.get(), socket] {
    if (auto alive = self->find(socket)) alive->close();
  });
}

}  // namespace obscura::server
