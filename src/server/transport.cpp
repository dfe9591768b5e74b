#include "server/transport.h"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "server/text.h"

namespace obscura::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kMostWaiting = std::size_t{64} << 20;        // bytes for one socket
constexpr std::size_t kMostBeforePreviews = std::size_t{8} << 20;  // beyond it they are left out
constexpr std::size_t kSlowestReader = 128 << 10;                  // bytes a second
constexpr std::size_t kSlowestSender = 128 << 10;
constexpr std::chrono::seconds kAnswerTime{60};

}  // namespace

// Everything below lives on the thread of run(), except where Transport's own methods post to it.
struct Transport::Implementation {
  Implementation(const TransportOptions& the_options, Handler& the_handler)
      : options(the_options), handler(the_handler), acceptor(context), timer(context) {}

  class Connection;
  class Socket;

  void accept();
  void begin_stop();

  TransportOptions options;
  Handler& handler;
  std::size_t connections = 0;
  SocketId next_socket = 1;
  std::unordered_map<SocketId, std::weak_ptr<Socket>> sockets;
  bool stopping = false;
  // Its queue holds the connections: it is destroyed before what they refer to above.
  asio::io_context context{1};
  tcp::acceptor acceptor;
  asio::steady_timer timer;
};

// A WebSocket and what waits to be sent on it.
class Transport::Implementation::Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(Implementation& owner, beast::tcp_stream&& stream)
      : owner_(owner), id_(owner.next_socket++), stream_(std::move(stream)) {
    ++owner_.connections;
  }
  ~Socket() {
    --owner_.connections;
    owner_.sockets.erase(id_);
  }

  void start(const http::request<http::empty_body>& message, Request request) {
    beast::get_lowest_layer(stream_).expires_never();
    auto timeout = websocket::stream_base::timeout::suggested(beast::role_type::server);
    timeout.handshake_timeout = std::chrono::seconds(owner_.options.header_seconds);
    stream_.set_option(timeout);
    stream_.read_message_max(owner_.options.message_bytes);
    stream_.async_accept(
        message, [self = shared_from_this(), request = std::move(request)](error_code error) {
          if (error) return;
          self->open_ = true;
          self->owner_.sockets[self->id_] = self;
          self->owner_.handler.opened(self->id_, request);
          self->read();
          self->write();
        });
  }

  void send(std::string bytes, bool text) {
    if (!open_ || closing_) return;
    if (waiting_bytes_ + bytes.size() > kMostWaiting) {
      log::warn("a WebSocket client does not read what it is sent: disconnected");
      return drop();
    }
    waiting_bytes_ += bytes.size();
    queue_.push_back({std::move(bytes), text});
    write();
  }
  bool has_room() const { return waiting_bytes_ < kMostBeforePreviews; }

  // A close frame goes out after the message that is being written.
  void close() {
    closing_ = true;
    if (!writing_) say_goodbye();
  }

 private:
  struct Message {
    std::string bytes;
    bool text;
  };

  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->drop();
      if (self->stream_.got_text()) {
        const auto data = self->buffer_.cdata();
        self->owner_.handler.received(self->id_,
                                      {static_cast<const char*>(data.data()), data.size()});
      }
      self->buffer_.consume(self->buffer_.size());
      self->read();
    });
  }

  void write() {
    if (writing_ || queue_.empty() || !open_) return;
    writing_ = true;
    stream_.text(queue_.front().text);
    stream_.async_write(asio::buffer(queue_.front().bytes),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          self->writing_ = false;
                          if (error) return self->drop();
                          self->waiting_bytes_ -= self->queue_.front().bytes.size();
                          self->queue_.pop_front();
                          if (self->closing_) return self->say_goodbye();
                          self->write();
                        });
  }

  void say_goodbye() {
    if (!open_) return;
    stream_.async_close(websocket::close_code::going_away,
                        [self = shared_from_this()](error_code) { self->drop(); });
  }

  void drop() {
    if (!open_) return;
    open_ = false;
    beast::get_lowest_layer(stream_).close();
    owner_.sockets.erase(id_);
    owner_.handler.closed(id_);
  }

  Implementation& owner_;
  SocketId id_;
  websocket::stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  std::deque<Message> queue_;
  std::size_t waiting_bytes_ = 0;
  bool open_ = false, writing_ = false, closing_ = false;
};

// One HTTP connection: a request after another.
class Transport::Implementation::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Implementation& owner, tcp::socket socket)
      : owner_(owner), stream_(std::move(socket)) {
    ++owner_.connections;
  }
  ~Connection() { --owner_.connections; }

  void read_header(int seconds) {
    request_ = {};
    to_file_.reset();
    header_.emplace();
    header_->header_limit(static_cast<std::uint32_t>(owner_.options.header_bytes));
    header_->body_limit(boost::none);  // the handler sets it, once it has seen the header
    stream_.expires_after(std::chrono::seconds(seconds));
    http::async_read_header(
        stream_, buffer_, *header_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_header(error); });
  }

 private:
  void on_header(error_code error) {
    if (error == http::error::header_limit) {
      return refuse(error_response(431, "the header is too large"));
    }
    if (error && error.category() == http::make_error_code(http::error::bad_method).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return refuse(error_response(400, "this is not HTTP/1.1: " + error.message()));
    }
    if (error) return shut();
    const auto& message = header_->get();
    request_.method = std::string(message.method_string());
    for (const auto& field : message)
      request_.headers.emplace(lower(field.name_string()), field.value());
    keep_alive_ = message.keep_alive();
    version_ = message.version();
    error_code ignored;
    request_.peer = stream_.socket().remote_endpoint(ignored).address().to_string(ignored);
    request_.websocket = websocket::is_upgrade(message);
    if (Status sound = parse_target({message.target().data(), message.target().size()}, request_);
        !sound.ok()) {
      return refuse(error_response(400, sound.error().message()));
    }
    if (auto refusal = owner_.handler.refuse(request_)) return refuse(std::move(*refusal));
    if (request_.websocket) return upgrade();
    const std::size_t limit = owner_.handler.body_limit(request_);
    if (auto length = header_->content_length(); length && *length > limit) {
      return refuse(too_large(limit));
    }
    const bool waits = beast::iequals(header_->get()[http::field::expect], "100-continue");
    if (request_.body_file) {
      to_file_.emplace(std::move(*header_));
      to_file_->body_limit(limit);
      scratch_.resize(kPiece);
      // However fast the disk is, a client that sends too slowly does not hold its place for ever.
      stream_.expires_after(std::chrono::seconds(
          owner_.options.body_seconds + to_file_->content_length().value_or(0) / kSlowestSender));
    } else {
      body_.emplace(std::move(*header_));
      body_->body_limit(limit);
      stream_.expires_after(std::chrono::seconds(owner_.options.body_seconds));
    }
    if (waits) return say_continue();
    read_body();
  }

  static Response too_large(std::size_t limit) {
    return error_response(413, fmt::format("the body is larger than {} bytes", limit));
  }

  void upgrade() {
    auto socket = std::make_shared<Socket>(owner_, std::move(stream_));
    socket->start(header_->get(), std::move(request_));
  }

  void say_continue() {
    auto response =
        std::make_shared<http::response<http::empty_body>>(http::status::continue_, version_);
    http::async_write(stream_, *response,
                      [self = shared_from_this(), response](error_code error, std::size_t) {
                        if (!error) self->read_body();
                      });
  }

  void read_body() {
    if (to_file_) return read_piece();
    http::async_read(
        stream_, buffer_, *body_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_body(error); });
  }

  void on_body(error_code error) {
    if (error == http::error::body_limit) {
      return refuse(too_large(owner_.handler.body_limit(request_)));
    }
    if (error) return shut();
    request_.body = std::move(body_->get().body());
    handle();
  }

  void read_piece() {
    auto& piece = to_file_->get().body();
    piece.data = scratch_.data();
    piece.size = scratch_.size();
    http::async_read(
        stream_, buffer_, *to_file_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_piece(error); });
  }

  void on_piece(error_code error) {
    if (error == http::error::need_buffer) error = {};  // the piece is full
    if (error == http::error::body_limit) {
      return refuse(too_large(owner_.handler.body_limit(request_)));
    }
    if (error) return shut();
    const std::size_t got = scratch_.size() - to_file_->get().body().size;
    const Status written = request_.body_file->write(std::string_view(scratch_.data(), got));
    if (!written.ok()) return refuse(error_response(507, written.error().message()));
    if (!to_file_->is_done()) return read_piece();
    to_file_.reset();
    handle();
  }

  void handle() {
    Response response = owner_.handler.handle(request_);
    if (!response.later) return answer(std::move(response));
    // However long it takes: the client may go, and the work is done all the same.
    stream_.expires_never();
    response.later([self = shared_from_this()](Response late) {
      asio::post(self->owner_.context,
                 [self, late = std::move(late)]() mutable { self->answer(std::move(late)); });
    });
  }

  void refuse(Response response) {
    keep_alive_ = false;
    answer(std::move(response));
  }

  template <class Message>
  void fill(Message& message, const Response& response) {
    message.version(version_);
    message.result(static_cast<unsigned>(response.status));
    message.keep_alive(keep_alive_);
    if (!response.type.empty() && response.status != 204) {
      message.set(http::field::content_type, response.type);
    }
    message.set("X-Content-Type-Options", "nosniff");
    message.set(http::field::cache_control, "no-store");
    for (const auto& [name, value] : response.headers) message.set(name, value);
  }

  void answer(Response response) {
    if (response.file) return answer_with_file(response);
    auto message = std::make_shared<http::response<http::string_body>>();
    const std::size_t size = response.body.size();
    fill(*message, response);
    message->body() = std::move(response.body);
    message->prepare_payload();
    // The length stays that of the body which GET would have got.
    if (request_.method == "HEAD") message->body().clear();
    send(std::move(message), size);
  }

  void answer_with_file(const Response& response) {
    auto message = std::make_shared<http::response<http::file_body>>();
    error_code error;
    message->body().open(response.file->c_str(), beast::file_mode::scan, error);
    if (response.delete_file) ::unlink(response.file->c_str());
    if (error) return answer(error_response(404, "the file cannot be read"));
    const std::size_t size = message->body().size();
    fill(*message, response);
    message->prepare_payload();
    if (request_.method != "HEAD") return send(std::move(message), size);
    Response empty = response;
    empty.file.reset();
    auto head = std::make_shared<http::response<http::string_body>>();
    fill(*head, empty);
    head->content_length(size);
    send(std::move(head), 0);
  }

  template <class Body>
  void send(std::shared_ptr<http::response<Body>> message, std::size_t size) {
    stream_.expires_after(kAnswerTime + std::chrono::seconds(size / kSlowestReader));
    auto done = [self = shared_from_this(), message](error_code error, std::size_t) {
      if (error || !self->keep_alive_) return self->shut();
      self->read_header(self->owner_.options.idle_seconds);
    };
    if (request_.method == "HEAD") {
      auto serializer = std::make_shared<http::response_serializer<Body>>(*message);
      http::async_write_header(
          stream_, *serializer,
          [serializer, done](error_code error, std::size_t sent) { done(error, sent); });
    } else {
      http::async_write(stream_, *message, done);
    }
  }

  void shut() {
    request_.body_file.reset();
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    // A peer still sending what was refused would lose the answer to a reset: read on for a moment.
    if (drained_ >= kMostDrained) return stream_.close();
    stream_.expires_after(std::chrono::seconds(2));
    scratch_.resize(std::size_t{64} << 10);
    stream_.async_read_some(asio::buffer(scratch_),
                            [self = shared_from_this()](error_code error, std::size_t got) {
                              self->drained_ += got;
                              if (error) return self->stream_.close();
                              self->shut();
                            });
  }

  static constexpr std::size_t kMostDrained = std::size_t{8} << 20;
  static constexpr std::size_t kPiece = std::size_t{256} << 10;

  Implementation& owner_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> header_;
  std::optional<http::request_parser<http::string_body>> body_;
  std::optional<http::request_parser<http::buffer_body>> to_file_;  // as request_.body_file
  Request request_;
  std::vector<char> scratch_;
  std::size_t drained_ = 0;
  unsigned version_ = 11;
  bool keep_alive_ = false;
};

void Transport::Implementation::accept() {
  acceptor.async_accept([this](error_code error, tcp::socket socket) {
    if (stopping) return;
    if (error) {
      // Most likely out of descriptors: some will be free again.
      timer.expires_after(std::chrono::milliseconds(100));
      timer.async_wait([this](error_code) { accept(); });
      return;
    }
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (connections < options.connections) {
      std::make_shared<Connection>(*this, std::move(socket))->read_header(options.header_seconds);
    }
    accept();
  });
}

void Transport::Implementation::begin_stop() {
  if (stopping) return;
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  std::vector<std::shared_ptr<Socket>> open;
  for (auto& [id, socket] : sockets)
    if (auto alive = socket.lock()) open.push_back(std::move(alive));
  for (auto& socket : open) socket->close();
  timer.expires_after(std::chrono::milliseconds(open.empty() ? 0 : 200));
  timer.async_wait([this](error_code) { context.stop(); });
}

Result<std::unique_ptr<Transport>> Transport::listen(const TransportOptions& options,
                                                     Handler& handler) {
  error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted an IP address to listen at, found '{}'", options.address));
  }
  auto implementation = std::make_unique<Implementation>(options, handler);
  tcp::acceptor& acceptor = implementation->acceptor;
  const tcp::endpoint endpoint(address, options.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return Error(ErrorKind::kIo, fmt::format("cannot listen at {} port {}: {}", options.address,
                                             options.port, error.message()));
  }
  implementation->accept();
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
    auto found = self->sockets.find(socket);
    if (found == self->sockets.end()) return;
    if (auto alive = found->second.lock()) alive->send(std::move(text), true);
  });
}

void Transport::send_preview(SocketId socket, std::string bytes) {
  post([self = implementation_.get(), socket, bytes = std::move(bytes)]() mutable {
    auto found = self->sockets.find(socket);
    if (found == self->sockets.end()) return;
    auto alive = found->second.lock();
    if (alive && alive->has_room()) alive->send(std::move(bytes), false);
  });
}

void Transport::close(SocketId socket) {
  post([self = implementation_.get(), socket] {
    auto found = self->sockets.find(socket);
    if (found == self->sockets.end()) return;
    if (auto alive = found->second.lock()) alive->close();
  });
}

}  // namespace obscura::server
