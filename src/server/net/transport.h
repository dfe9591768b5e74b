// HTTP/1.1 and WebSocket over TCP or TLS, on one thread: Boost.Beast behind plain values.
//
// Limits that hold whoever connects: the size of a header, of a body and of a message; how long a
// header, a body or an answer may take; how many connections there are (a newcomer takes the place
// of the one that has been at its header for the longest); how much may wait for sockets that do
// not read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/net/http.h"
#include "server/net/tls.h"

namespace obscura::server {

using SocketId = std::uint64_t;

// What answers. All calls come from the thread that is in Transport::run(), one after another, and
// must not throw.
class Handler {
 public:
  virtual ~Handler() = default;

  // Once the header is there, before a byte of the body is read. A response refuses the request,
  // and closes the connection. May fill in what of the request the header cannot say.
  virtual std::optional<Response> refuse(Request& header) = 0;
  // The most bytes of body that this request may have.
  virtual std::size_t body_limit(const Request& header) = 0;
  virtual Response handle(const Request& request) = 0;

  virtual void opened(SocketId socket, const Request& request) = 0;
  virtual void received(SocketId socket, std::string_view text) = 0;
  virtual void closed(SocketId socket) = 0;
};

struct TransportOptions {
  std::string address = "127.0.0.1";  // a number, not a name
  std::uint16_t port = 8188;          // 0: any free one
  std::size_t header_bytes = 16 << 10;
  std::size_t message_bytes = 1 << 20;
  std::size_t connections = 512;
  // Of what is to be sent, the most that may wait for one WebSocket, and for all together.
  std::size_t waiting_bytes = std::size_t{64} << 20, waiting_bytes_in_all = std::size_t{256} << 20;
  // The least that a client has to send or read in a second, beside the times below.
  std::size_t slowest = 128 << 10;
  // The most that TLS's handshake and a header may take; that there may be between two requests;
  // that a body may take; an answer, beside what its size takes; silence on a WebSocket.
  int header_seconds = 15, idle_seconds = 75, body_seconds = 300, answer_seconds = 60,
      silence_seconds = 300;
  std::optional<TlsContext> tls;  // none: in the clear
};

class Transport {
 public:
  // Bound and listening when it returns; `handler` is borrowed. kInvalidInput for an address that
  // is none; kIo if the port is taken.
  static Result<std::unique_ptr<Transport>> listen(const TransportOptions& options,
                                                   Handler& handler);
  ~Transport();

  std::uint16_t port() const;
  // Serves until stop().
  void run();

  // The rest may be called from any thread.

  // Closes the sockets and lets run() return.
  void stop();
  // Queued in the order of the calls; without effect on a socket that is gone. A socket that lets
  // too much wait is closed.
  void send_text(SocketId socket, std::string text);
  // Left out if much waits already: a newer preview will follow.
  void send_preview(SocketId socket, std::string bytes);
  void close(SocketId socket);
  // Runs `task` on the thread of run().
  void post(std::function<void()> task);

 private:
  struct Implementation;
  explicit Transport(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace obscura::server
