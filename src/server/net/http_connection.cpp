#include "server/net/http_connection.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <span>
#include <string>
#include <utility>

#include "base/lower_case.h"
#include "base/memory_text.h"
#include "server/net/text.h"
#include "server/net/web_socket.h"

namespace obscura::server {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

// What waits to be understood, beside the header: of a body, it is passed on as it comes.
constexpr std::size_t kReadAhead = 64 << 10;
constexpr std::size_t kPiece = 256 << 10;  // of a body that goes to a file

Response too_large(std::size_t limit) {
  return error_response(413, "the body is larger than " + memory_text(limit));
}

// The answer to what cannot be read; none to a connection that has ended.
std::optional<Response> refusal_of(error_code error) {
  if (error == http::error::header_limit) return error_response(431, "the header is too large");
  const bool not_http =
      error.category() == http::make_error_code(http::error::bad_method).category();
  if (!not_http || error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  return error_response(400, "this is not HTTP/1.1: " + error.message());
}

// What a proxy before us could read otherwise than we do, and so take a part of one request for
// another: RFC 9112, sections 3.2, 6.1 and 6.3.
std::optional<Response> refuse_ambiguous(const http::request<http::empty_body>& message) {
  const std::size_t hosts = message.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() >= 11)) {
    return error_response(400, fmt::format("wanted one Host, found {}", hosts));
  }
  if (message.count(http::field::content_length) > 1) {
    return error_response(400, "wanted one Content-Length, found several");
  }
  const std::size_t encodings = message.count(http::field::transfer_encoding);
  if (encodings == 0) return std::nullopt;
  const auto encoding = message[http::field::transfer_encoding];
  if (encodings > 1 || !boost::beast::iequals(encoding, "chunked") || message.version() < 11) {
    return error_response(501, "wanted no Transfer-Encoding but chunked, in HTTP/1.1");
  }
  return std::nullopt;
}

}  // namespace

HttpConnection::HttpConnection(TransportCore& core, NetStream stream)
    : core_(core), stream_(std::move(stream)), buffer_(core.options.header_bytes + kReadAhead) {
  ++core_.connections;
}

HttpConnection::~HttpConnection() {
  stop_waiting();
  --core_.connections;
}

void HttpConnection::start() {
  wait_for_header(core_.options.header_seconds);
  stream_.handshake([self = shared_from_this()](error_code error) {
    if (error) return self->shut();
    self->read_header();
  });
}

void HttpConnection::give_way() {
  stop_waiting();
  stream_.close();
}

void HttpConnection::wait_for_header(int seconds) {
  stream_.expires_after(std::chrono::seconds(seconds));
  place_ = core_.headerless.insert(core_.headerless.end(), this);
}

void HttpConnection::stop_waiting() {
  if (place_) core_.headerless.erase(*place_);
  place_.reset();
}

void HttpConnection::read_header() {
  request_ = {};
  body_.reset();
  file_body_.reset();
  header_size_ = 0;
  header_.emplace();
  header_->header_limit(static_cast<std::uint32_t>(core_.options.header_bytes));
  header_->body_limit(boost::none);  // the handler sets it, once it has seen the header
  read_more_header();
}

// Beast's limit holds for what it has yet to understand: lines that it has taken are counted here.
void HttpConnection::read_more_header() {
  http::async_read_some(stream_, buffer_, *header_,
                        [self = shared_from_this()](error_code error, std::size_t taken) {
                          self->header_size_ += taken;
                          if (!error && self->header_size_ > self->core_.options.header_bytes) {
                            error = http::error::header_limit;
                          }
                          if (error || self->header_->is_header_done())
                            return self->on_header(error);
                          self->read_more_header();
                        });
}

void HttpConnection::on_header(error_code error) {
  stop_waiting();
  if (auto refusal = refusal_of(error)) return refuse(std::move(*refusal));
  if (error) return shut();
  const auto& message = header_->get();
  keep_alive_ = message.keep_alive();
  version_ = message.version();
  request_.method = std::string(message.method_string());
  for (const auto& field : message)
    request_.headers.emplace(lower_case(field.name_string()), field.value());
  request_.peer = stream_.peer();
  request_.websocket = boost::beast::websocket::is_upgrade(message);
  if (auto refusal = refuse_ambiguous(message)) return refuse(std::move(*refusal));
  if (Status sound = parse_target({message.target().data(), message.target().size()}, request_);
      !sound.ok()) {
    return refuse(error_response(400, sound.error().message()));
  }
  if (auto refusal = core_.handler.refuse(request_)) return refuse(std::move(*refusal));
  if (request_.websocket) return upgrade();
  const std::size_t limit = core_.handler.body_limit(request_);
  if (auto length = header_->content_length(); length && *length > limit) {
    return refuse(too_large(limit));
  }
  if (boost::beast::iequals(message[http::field::expect], "100-continue")) return say_continue();
  read_body();
}

void HttpConnection::upgrade() {
  if (header_->content_length().value_or(0) > 0 || header_->chunked() || buffer_.size() > 0) {
    return refuse(
        error_response(400, "wanted nothing behind the header that asks for a WebSocket"));
  }
  auto socket = std::make_shared<WebSocket>(core_, std::move(stream_));
  socket->accept(header_->get(), std::move(request_));
}

void HttpConnection::say_continue() {
  auto response =
      std::make_shared<http::response<http::empty_body>>(http::status::continue_, version_);
  stream_.expires_after(std::chrono::seconds(core_.options.answer_seconds));
  http::async_write(stream_, *response,
                    [self = shared_from_this(), response](error_code error, std::size_t) {
                      if (!error) self->read_body();
                    });
}

void HttpConnection::read_body() {
  const std::size_t size = header_->content_length().value_or(0);
  stream_.expires_after(
      std::chrono::seconds(core_.options.body_seconds + size / core_.options.slowest));
  // As small as it is left by a header, it would be filled by 512 bytes at a time.
  buffer_.reserve(header_->chunked() ? kReadAhead : std::min(size, kReadAhead));
  if (request_.body_file) return read_file();
  body_.emplace(std::move(*header_));
  body_->body_limit(core_.handler.body_limit(request_));
  http::async_read(
      stream_, buffer_, *body_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_body(error); });
}

// A piece of the body at a time, each written before the next is read.
void HttpConnection::read_file() {
  if (!file_body_) {
    file_body_.emplace(std::move(*header_));
    file_body_->body_limit(core_.handler.body_limit(request_));
    piece_.resize(kPiece);
  }
  file_body_->get().body().data = piece_.data();
  file_body_->get().body().size = piece_.size();
  http::async_read(
      stream_, buffer_, *file_body_,
      [self = shared_from_this()](error_code error, std::size_t) { self->on_piece(error); });
}

void HttpConnection::on_piece(error_code error) {
  const bool full = error == http::error::need_buffer;
  if (!error || full) {
    const std::size_t left = file_body_->get().body().size;
    const auto bytes = std::as_bytes(std::span(piece_)).first(piece_.size() - left);
    if (Status written = request_.body_file->write(bytes); !written.ok()) {
      return refuse(error_response(507, answer_to(written.error()).text));
    }
  }
  if (full) return read_file();
  on_body(error);
}

void HttpConnection::on_body(error_code error) {
  if (error == http::error::body_limit) {
    return refuse(too_large(core_.handler.body_limit(request_)));
  }
  if (auto refusal = refusal_of(error)) return refuse(std::move(*refusal));
  if (error) return shut();
  if (body_) request_.body = std::move(body_->get().body());
  Response response = core_.handler.handle(request_);
  request_.body_file.reset();
  if (!response.later) return answer(std::move(response));
  // However long it takes: the client may go, and the work is done all the same.
  stream_.expires_never();
  response.later([self = held_from_elsewhere()](Response late) {
    boost::asio::post(self->core_.context,
                      [self, late = std::move(late)]() mutable { self->answer(std::move(late)); });
  });
}

std::shared_ptr<HttpConnection> HttpConnection::held_from_elsewhere() {
  return {this, [self = shared_from_this()](HttpConnection*) mutable {
            boost::asio::io_context& context = self->core_.context;
            boost::asio::post(context, [self = std::move(self)] {});
          }};
}

void HttpConnection::refuse(Response response) {
  keep_alive_ = false;
  answer(std::move(response));
}

template <class Message>
void HttpConnection::fill(Message& message, const Response& response) {
  message.version(version_);
  message.result(static_cast<unsigned>(response.status));
  message.keep_alive(keep_alive_);
  if (!response.type.empty() && response.status != 204) {
    message.set(http::field::content_type, response.type);
  }
  message.set("X-Content-Type-Options", "nosniff");
  message.set(http::field::cache_control, "no-store");
  if (core_.strict_transport) message.set("Strict-Transport-Security", "max-age=31536000");
  for (const auto& [name, value] : response.headers) message.set(name, value);
}

void HttpConnection::answer(Response response) {
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

void HttpConnection::answer_with_file(const Response& response) {
  auto message = std::make_shared<http::response<http::file_body>>();
  error_code error;
  message->body().open(response.file->c_str(), boost::beast::file_mode::scan, error);
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
void HttpConnection::send(std::shared_ptr<http::response<Body>> message, std::size_t size) {
  stream_.expires_after(
      std::chrono::seconds(core_.options.answer_seconds + size / core_.options.slowest));
  auto done = [self = shared_from_this(), message](error_code error, std::size_t) {
    if (error || !self->keep_alive_) return self->shut();
    self->wait_for_header(self->core_.options.idle_seconds);
    self->read_header();
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

void HttpConnection::shut() {
  stream_.finish([self = shared_from_this()] {});
}

}  // namespace obscura::server
