// A WebSocket and what waits to be sent on it. On the thread of the transport.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "server/net/net_stream.h"
#include "server/net/transport_core.h"

namespace obscura::server {

class WebSocket : public std::enable_shared_from_this<WebSocket> {
 public:
  WebSocket(TransportCore& core, NetStream&& stream);
  ~WebSocket();
  WebSocket(const WebSocket&) = delete;
  WebSocket& operator=(const WebSocket&) = delete;

  // Answers the request to upgrade, and reads from then on.
  void accept(const boost::beast::http::request<boost::beast::http::empty_body>& message,
              Request request);
  // Queued. Closes the socket, or the one for which the most waits, if too much does.
  void send(std::string bytes, bool text);
  // Whether little enough waits for a preview to be worth sending.
  bool has_room() const;
  // Whether a message has been under way for longer than any sound client takes.
  bool stuck(std::chrono::steady_clock::time_point now) const;
  // A close frame goes out after the message that is being written.
  void close();
  void drop();

 private:
  struct Message {
    std::string bytes;
    bool text;
  };
  void read();
  void write();
  void say_goodbye();
  void forget_waiting();

  TransportCore& core_;
  SocketId id_;
  boost::beast::websocket::stream<NetStream> stream_;
  boost::beast::flat_buffer buffer_;
  std::deque<Message> queue_;
  std::size_t waiting_bytes_ = 0;
  std::chrono::steady_clock::time_point deadline_;  // of what is being written
  bool open_ = false, writing_ = false, closing_ = false;
};

}  // namespace obscura::server
