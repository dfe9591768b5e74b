// The bytes of one connection, in the clear or through TLS: one type for both, so that HTTP and
// WebSocket are compiled once, and OpenSSL stays in one source.
//
// An AsyncStream in Asio's sense, on the thread of its executor; one read and one write at a time.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

struct ssl_ctx_st;

namespace obscura::server {

class NetStream {
 public:
  using executor_type = boost::asio::any_io_executor;  // NOLINT: the name that Asio looks for
  using Signature = void(boost::system::error_code, std::size_t);
  using Transferred = std::function<Signature>;

  // Null: in the clear.
  NetStream(boost::asio::ip::tcp::socket socket, ssl_ctx_st* tls);
  NetStream(NetStream&&) noexcept;
  ~NetStream();

  executor_type get_executor();
  // The other's address.
  std::string peer() const;

  // What is read and written from now on has to be done by then, or fails and ends the connection.
  void expires_after(std::chrono::steady_clock::duration time);
  void expires_never();

  // To be called once, before anything else is read or written. A client that speaks HTTP in the
  // clear to TLS is told so; it is an error all the same.
  void handshake(std::function<void(boost::system::error_code)> done);
  // Says that nothing more comes, and reads on for a moment: who is still sending would lose the
  // last answer otherwise. Closed when `done` is called.
  void finish(std::function<void()> done);
  // At once; what is being read or written fails.
  void close();

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, Signature>(
        [this](auto&& transferred, const Buffers& into) {
          read_some(first(into), kept(std::forward<decltype(transferred)>(transferred)));
        },
        handler, buffers);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return boost::asio::async_initiate<Handler, Signature>(
        [this](auto&& transferred, const Buffers& from) {
          std::array<boost::asio::const_buffer, 16> parts;
          std::size_t count = 0;
          auto end = boost::asio::buffer_sequence_end(from);
          for (auto at = boost::asio::buffer_sequence_begin(from); at != end; ++at) {
            if (count == parts.size()) break;
            if (boost::asio::const_buffer part(*at); part.size() > 0) parts[count++] = part;
          }
          write_some(std::span(parts).first(count),
                     kept(std::forward<decltype(transferred)>(transferred)));
        },
        handler, buffers);
  }

 private:
  struct Implementation;

  // Handlers can only be moved, and a function is copied.
  template <class Handler>
  static Transferred kept(Handler&& handler) {
    auto shared = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
    return [shared](boost::system::error_code error, std::size_t bytes) {
      std::move (*shared)(error, bytes);
    };
  }
  template <class Buffers>
  static boost::asio::mutable_buffer first(const Buffers& buffers) {
    auto end = boost::asio::buffer_sequence_end(buffers);
    for (auto at = boost::asio::buffer_sequence_begin(buffers); at != end; ++at)
      if (boost::asio::mutable_buffer part(*at); part.size() > 0) return part;
    return {};
  }
  void read_some(boost::asio::mutable_buffer into, Transferred transferred);
  void write_some(std::span<const boost::asio::const_buffer> parts, Transferred transferred);

  std::unique_ptr<Implementation> implementation_;
};

// What Beast's WebSocket calls to end a connection, and to cut one that has timed out.
template <class Handler>
void async_teardown(boost::beast::role_type, NetStream& stream, Handler&& handler) {
  auto kept = std::make_shared<std::decay_t<Handler>>(std::forward<Handler>(handler));
  stream.finish([kept] { std::move (*kept)(boost::system::error_code()); });
}
inline void beast_close_socket(NetStream& stream) {
  stream.close();
}

}  // namespace obscura::server
