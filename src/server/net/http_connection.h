// One HTTP connection: a request after another, or one that becomes a WebSocket. On the thread of
// the transport.
#pragma once

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "server/net/net_stream.h"
#include "server/net/transport_core.h"

namespace obscura::server {

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  HttpConnection(TransportCore& core, NetStream stream);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  // Keeps itself alive from here on.
  void start();
  // For one of TransportCore::headerless, to make room for another.
  void give_way();

 private:
  using Error = boost::system::error_code;
  void read_header();
  void read_more_header();
  void on_header(Error error);
  void upgrade();
  void say_continue();
  void read_body();
  void read_file();
  void on_piece(Error error);
  void on_body(Error error);
  // For another thread: whoever lets go of it last, it ends on the transport's own.
  std::shared_ptr<HttpConnection> held_from_elsewhere();
  void refuse(Response response);
  void answer(Response response);
  void answer_with_file(const Response& response);
  void shut();
  void wait_for_header(int seconds);
  void stop_waiting();

  template <class Message>
  void fill(Message& message, const Response& response);
  template <class Body>
  void send(std::shared_ptr<boost::beast::http::response<Body>> message, std::size_t size);

  TransportCore& core_;
  NetStream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::empty_body>> header_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> body_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::buffer_body>> file_body_;
  std::vector<char> piece_;  // of a body that goes to a file
  Request request_;
  std::optional<std::list<HttpConnection*>::iterator> place_;  // in TransportCore::headerless
  std::size_t header_size_ = 0;
  unsigned version_ = 11;
  bool keep_alive_ = false;
};

}  // namespace obscura::server
