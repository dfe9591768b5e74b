// A plain HTTP and WebSocket client over a blocking socket: it says exactly what a test wants said,
// sound or not, and knows nothing of the code under test.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace obscura::server::testing {

struct Reply {
  int status = 0;  // 0: the connection ended without an answer
  std::string head, body;

  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
};

class Client {
 public:
  explicit Client(std::uint16_t port, int seconds = 20) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    timeval limit{seconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  virtual ~Client() { ::close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  bool connected() const { return connected_; }
  int descriptor() const { return socket_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = write_some(bytes);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Reads one response.
  Reply receive(bool head_only = false) {
    Reply reply;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos)
      if (!more()) return reply;
    reply.head = buffer_.substr(0, end);
    buffer_.erase(0, end + 4);
    reply.status = std::atoi(reply.head.c_str() + 9);
    const std::size_t at = reply.head.find("Content-Length: ");
    const std::size_t length =
        at == std::string::npos || head_only ? 0 : std::stoul(reply.head.substr(at + 16));
    while (buffer_.size() < length)
      if (!more()) break;
    reply.body = buffer_.substr(0, length);
    buffer_.erase(0, length);
    return reply;
  }

  // `headers` are lines with "\r\n" at their ends.
  Reply request(std::string_view method, std::string_view target, std::string_view body = "",
                std::string_view headers = "") {
    std::string text;
    text.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
    if (headers.find("Host:") == std::string_view::npos) text += "Host: localhost\r\n";
    text.append(headers);
    if (!body.empty() || method == "POST")
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    text.append("\r\n").append(body);
    if (!send(text)) return {};
    return receive(method == "HEAD");
  }

  // True if the server has ended the connection and says nothing more; waits for the socket's time.
  bool ended() {
    char byte = 0;
    const ssize_t got = buffer_.empty() ? read_some(&byte, 1) : 1;
    return got == 0 || (got < 0 && errno == ECONNRESET);
  }

  Reply upgrade(std::string_view target, std::string_view headers = "") {
    return request("GET", target, "",
                   "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
                       std::string(headers));
  }

  // A whole client's frame, masked with zeros. Opcode 1: text.
  bool send_frame(int opcode, std::string_view payload) {
    std::string frame(1, static_cast<char>(0x80 | opcode));
    if (payload.size() < 126) {
      frame += static_cast<char>(0x80 | payload.size());
    } else {
      frame += static_cast<char>(0x80 | 126);
      frame += static_cast<char>(payload.size() >> 8);
      frame += static_cast<char>(payload.size() & 0xff);
    }
    frame += std::string(4, '\0');
    frame.append(payload);
    return send(frame);
  }

  struct Frame {
    int opcode = 0;
    std::string payload;
  };
  // None once the connection has ended.
  std::optional<Frame> frame() {
    while (buffer_.size() < 2)
      if (!more()) return std::nullopt;
    std::size_t length = byte(1) & 0x7f, head = 2;
    if (length >= 126) {
      const std::size_t count = length == 126 ? 2 : 8;
      while (buffer_.size() < 2 + count)
        if (!more()) return std::nullopt;
      length = 0;
      for (std::size_t i = 0; i < count; ++i) length = length << 8 | byte(2 + i);
      head = 2 + count;
    }
    while (buffer_.size() < head + length)
      if (!more()) return std::nullopt;
    Frame frame{byte(0) & 0x0f, buffer_.substr(head, length)};
    buffer_.erase(0, head + length);
    return frame;
  }

 private:
  virtual ssize_t write_some(std::string_view bytes) {
    return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t read_some(char* bytes, std::size_t size) {
    return ::recv(socket_, bytes, size, 0);
  }
  unsigned char byte(std::size_t i) const { return static_cast<unsigned char>(buffer_[i]); }
  bool more() {
    char bytes[16384];
    const ssize_t got = read_some(bytes, sizeof bytes);
    if (got <= 0) return false;
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int socket_ = -1;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace obscura::server::testing
