#include "server/net/web_socket.h"

#include <boost/beast/websocket.hpp>
#include <utility>

#include "base/log.h"

namespace obscura::server {
namespace {

namespace websocket = boost::beast::websocket;
using boost::system::error_code;

constexpr std::size_t kMostBeforePreviews = std::size_t{8} << 20;  // beyond it they are left out

}  // namespace

WebSocket::WebSocket(TransportCore& core, NetStream&& stream)
    : core_(core), id_(core.next_socket++), stream_(std::move(stream)) {
  ++core_.connections;
}

WebSocket::~WebSocket() {
  forget_waiting();
  --core_.connections;
  core_.sockets.erase(id_);
}

void WebSocket::accept(const boost::beast::http::request<boost::beast::http::empty_body>& message,
                       Request request) {
  stream_.next_layer().expires_never();  // the WebSocket has times of its own
  websocket::stream_base::timeout timeout{};
  timeout.handshake_timeout = std::chrono::seconds(core_.options.header_seconds);
  timeout.idle_timeout = std::chrono::seconds(core_.options.silence_seconds);
  timeout.keep_alive_pings = true;
  stream_.set_option(timeout);
  stream_.auto_fragment(false);  // images go out in one piece, not in thousands
  stream_.read_message_max(core_.options.message_bytes);
  stream_.async_accept(message,
                       [self = shared_from_this(), request = std::move(request)](error_code error) {
                         if (error) return;
                         self->open_ = true;
                         self->core_.sockets[self->id_] = self;
                         self->core_.handler.opened(self->id_, request);
                         self->read();
                         self->write();
                       });
}

void WebSocket::send(std::string bytes, bool text) {
  if (!open_ || closing_) return;
  const std::size_t size = bytes.size();
  if (waiting_bytes_ + size > core_.options.waiting_bytes) {
    log::warn("a WebSocket client does not read what it is sent: disconnected");
    return drop();
  }
  if (core_.waiting_bytes + size > core_.options.waiting_bytes_in_all) {
    log::warn("the WebSocket clients read too little of what they are sent: one disconnected");
    std::shared_ptr<WebSocket> most = shared_from_this();
    for (auto& [id, other] : core_.sockets)
      if (auto alive = other.lock(); alive && alive->waiting_bytes_ > most->waiting_bytes_)
        most = std::move(alive);
    most->drop();
    if (!open_) return;
  }
  waiting_bytes_ += size;
  core_.waiting_bytes += size;
  queue_.push_back({std::move(bytes), text});
  write();
}

bool WebSocket::has_room() const {
  return waiting_bytes_ < kMostBeforePreviews;
}

bool WebSocket::stuck(std::chrono::steady_clock::time_point now) const {
  return writing_ && now > deadline_;
}

void WebSocket::close() {
  if (std::exchange(closing_, true)) return;
  if (!writing_) say_goodbye();
}

void WebSocket::read() {
  stream_.async_read(buffer_, [self = shared_from_this()](error_code error, std::size_t) {
    if (error) return self->drop();
    if (self->stream_.got_text()) {
      const auto data = self->buffer_.cdata();
      self->core_.handler.received(self->id_, {static_cast<const char*>(data.data()), data.size()});
    }
    self->buffer_.consume(self->buffer_.size());
    self->read();
  });
}

void WebSocket::write() {
  if (writing_ || queue_.empty() || !open_) return;
  writing_ = true;
  const std::string& bytes = queue_.front().bytes;
  deadline_ =
      std::chrono::steady_clock::now() +
      std::chrono::seconds(core_.options.answer_seconds + bytes.size() / core_.options.slowest);
  stream_.text(queue_.front().text);
  stream_.async_write(boost::asio::buffer(bytes),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (error) return self->drop();
                        if (!self->open_) return;
                        const std::size_t size = self->queue_.front().bytes.size();
                        self->waiting_bytes_ -= size;
                        self->core_.waiting_bytes -= size;
                        self->queue_.pop_front();
                        if (self->closing_) return self->say_goodbye();
                        self->write();
                      });
}

void WebSocket::say_goodbye() {
  if (!open_) return;
  stream_.async_close(websocket::close_code::going_away,
                      [self = shared_from_this()](error_code) { self->drop(); });
}

void WebSocket::drop() {
  if (!open_) return;
  open_ = false;
  forget_waiting();
  stream_.next_layer().close();
  core_.sockets.erase(id_);
  core_.handler.closed(id_);
}

void WebSocket::forget_waiting() {
  core_.waiting_bytes -= waiting_bytes_;
  waiting_bytes_ = 0;
}

}  // namespace obscura::server
