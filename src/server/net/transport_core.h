// What the connections of one transport share. Everything here lives on the thread of
// Transport::run(), except where Transport's own methods post to it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/net/transport.h"

namespace obscura::server {

class HttpConnection;
class WebSocket;

struct TransportCore {
  TransportCore(const TransportOptions& the_options, Handler& the_handler)
      : options(the_options),
        handler(the_handler),
        acceptor(context),
        pause(context),
        timer(context) {}

  void accept();
  void welcome(boost::asio::ip::tcp::socket socket);
  // Every second: ends the WebSockets that do not read what is written to them, and looks whether
  // there is a new certificate.
  void look_after_sockets();
  void renew_certificate();
  void begin_stop();
  std::shared_ptr<WebSocket> find(SocketId socket);

  TransportOptions options;
  Handler& handler;
  bool strict_transport = false;  // browsers shall come by TLS only from now on
  std::size_t connections = 0;
  // Those that have yet to send a whole header, the one that is the longest at it first.
  std::list<HttpConnection*> headerless;
  SocketId next_socket = 1;
  std::unordered_map<SocketId, std::weak_ptr<WebSocket>> sockets;
  std::size_t waiting_bytes = 0;  // of all sockets
  bool stopping = false;
  // Its queue holds the connections: it is destroyed before what they refer to above.
  boost::asio::io_context context{1};
  boost::asio::ip::tcp::acceptor acceptor;
  boost::asio::steady_timer pause, timer;  // of accepting; of looking after sockets, of the end
};

}  // namespace obscura::server
