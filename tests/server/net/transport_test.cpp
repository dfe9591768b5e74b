// The transport against clients that are slow, many, broken or hostile.
#include "server/net/transport_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixture
using namespace std::chrono_literals;
using namespace std::string_view_literals;

constexpr char kGet[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

// The status of the first answer; 0 if there was none. The connection must have ended after it.
int answer_and_end(std::uint16_t port, std::string_view bytes) {
  Client client(port, 5);
  client.send(bytes);
  const int status = client.receive().status;
  EXPECT_TRUE(client.ended()) << bytes.substr(0, 300);
  return status;
}

TEST_F(TransportTest, RefusesRequestsThatOthersCouldReadOtherwise) {
  start({});
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string cases[] = {
      post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
      post + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden,
      post + "Content-Length: 0\r\nContent-Length: 34\r\n\r\n" + hidden,
      post + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + hidden,
      post + "Content-Length: 0, 34\r\n\r\n" + hidden,
      post + "Content-Length: +34\r\n\r\n" + hidden,
      post + "Content-Length: -1\r\n\r\n" + hidden,
      post + "Content-Length: 0x22\r\n\r\n" + hidden,
      post + "Content-Length: 99999999999999999999999999\r\n\r\n" + hidden,
      post + "Content-Length : 34\r\n\r\n" + hidden,
      post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden,
      post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden,
      post + "Transfer-Encoding: gzip\r\n\r\n" + hidden,
      post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + hidden,
      post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden,
      post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
      post + "Transfer-Encoding:\r\n chunked, \r\n x\r\n\r\n0\r\n\r\n" + hidden,
      "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
      "GET / HTTP/1.1\r\n\r\n" + hidden,
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + hidden,
      "GET / HTTP/1.1\nHost: a\n\n" + hidden,
      "GET  / HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
      std::string("GET / HTTP/1.1\r\nHost: a\r\nX\0Y: b\r\n\r\n"sv) + hidden,
      std::string("GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"sv) + hidden,
      "GET / HTTP/2.0\r\nHost: a\r\n\r\n" + hidden,
      "GET /\xff\x01 HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n" + hidden,
      "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + hidden,
  };
  for (const std::string& bytes : cases) {
    const int status = answer_and_end(port(), bytes);
    EXPECT_TRUE(status == 400 || status == 501) << status << " to " << bytes;
  }
  EXPECT_EQ(handler_.requests, 0);
}

TEST_F(TransportTest, RefusesWhatIsTooLarge) {
  start({});
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(answer_and_end(port(), "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\n\r\n"), 431);
  EXPECT_EQ(answer_and_end(port(), std::string(20'000, 'A')), 431);
  EXPECT_EQ(answer_and_end(port(), get + "X: " + std::string(20'000, 'a') + "\r\n\r\n"), 431);
  std::string many = get;
  for (int i = 0; i < 10'000; ++i) many += "A:\r\n";
  EXPECT_EQ(answer_and_end(port(), many + "\r\n"), 431);
  EXPECT_EQ(answer_and_end(port(), get + "Content-Length: 1048577\r\n\r\n"), 413);
  EXPECT_EQ(handler_.requests, 0);
}

TEST_F(TransportTest, RefusesBrokenChunks) {
  start({});
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  Client sound(port());
  sound.send(head + "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(sound.receive().body, "abcde");
  const int before = handler_.requests;
  std::string large = head;
  for (int i = 0; i < 17; ++i) large += "10000\r\n" + std::string(1 << 16, 'x') + "\r\n";
  std::string small = head;
  for (int i = 0; i < 300'000; ++i) small += "4\r\nxxxx\r\n";
  const std::pair<std::string, int> cases[] = {
      {head + "zz\r\nabc\r\n0\r\n\r\n", 400},
      {head + "-3\r\nabc\r\n0\r\n\r\n", 400},
      {head + "3\r\nabcd\r\n0\r\n\r\n", 400},
      {head + "3\r\nabc0\r\n\r\n", 400},
      {head + "3 x\r\nabc\r\n0\r\n\r\n", 400},
      {head + "\r\nabc\r\n0\r\n\r\n", 400},
      {head + "10000000000000003\r\nabc\r\n0\r\n\r\n", 400},
      {head + "ffffffffffffffff\r\nabc", 413},
      {head + "3;" + std::string(200'000, 'a'), 400},
      {head + "0\r\nX: " + std::string(200'000, 'a'), 400},
      {large, 413},
      {small, 413},
  };
  for (const auto& [bytes, wanted] : cases) {
    const int status = answer_and_end(port(), bytes);
    EXPECT_TRUE(status == wanted || (wanted == 400 && status == 431))
        << status << " to " << bytes.substr(head.size(), 40);
  }
  EXPECT_EQ(handler_.requests, before);
}

TEST_F(TransportTest, EndsSlowHeadersBodiesAndSilence) {
  start({.header_seconds = 1, .idle_seconds = 1, .body_seconds = 1});
  Client header(port()), body(port()), idle(port()), silent(port());
  idle.send(kGet);
  EXPECT_EQ(idle.receive().status, 200);
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
  const auto begin = std::chrono::steady_clock::now();
  // A byte at a time: what comes does not win more time.
  std::string_view rest =
      "GET / HTTP/1.1\r\nHost: a\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
  while (std::chrono::steady_clock::now() - begin < 2s) {
    header.send(rest.substr(0, 1));
    if (rest.size() > 1) rest.remove_prefix(1);
    body.send("x");
    std::this_thread::sleep_for(50ms);
  }
  for (Client* client : {&header, &body, &idle, &silent}) EXPECT_TRUE(client->ended());
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
  EXPECT_EQ(handler_.requests, 1);
}

TEST_F(TransportTest, EndsAnAnswerThatIsNotRead) {
  start({.slowest = 1 << 30, .answer_seconds = 1});
  Client client(port(), 5);
  client.send("GET /?bytes=50000000 HTTP/1.1\r\nHost: a\r\n\r\n");
  std::this_thread::sleep_for(2500ms);
  EXPECT_LT(client.receive().body.size(), 50'000'000U);
  EXPECT_TRUE(client.ended());
}

TEST_F(TransportTest, EndsAWebSocketThatIsNotRead) {
  start({.slowest = 1 << 30, .answer_seconds = 1});
  Client reader(port()), stuck(port());
  ASSERT_EQ(reader.upgrade("/").status, 101);
  ASSERT_TRUE(comes_true([&] { return handler_.last_opened == 1; }));
  ASSERT_EQ(stuck.upgrade("/").status, 101);
  ASSERT_TRUE(comes_true([&] { return handler_.last_opened == 2; }));
  for (int i = 0; i < 32; ++i) transport_->send_text(2, std::string(1 << 20, 'x'));
  transport_->send_text(1, "hello");
  EXPECT_EQ(reader.frame()->payload, "hello");
  EXPECT_TRUE(comes_true([&] { return handler_.closes == 1; }));
  transport_->send_text(1, "still here");
  EXPECT_EQ(reader.frame()->payload, "still here");
}

TEST_F(TransportTest, SaysGoodbyeOnce) {
  start({});
  Client client(port());
  ASSERT_EQ(client.upgrade("/").status, 101);
  ASSERT_TRUE(comes_true([&] { return handler_.last_opened == 1; }));
  transport_->send_text(1, "the last");
  for (int i = 0; i < 3; ++i) transport_->close(1);
  EXPECT_EQ(client.frame()->payload, "the last");
  EXPECT_EQ(client.frame()->opcode, 8);
  client.send_frame(8, "\x03\xe9");
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(comes_true([&] { return handler_.closes == 1; }));
}

TEST_F(TransportTest, KeepsLittleForWebSocketsThatDoNotRead) {
  start({.waiting_bytes = 24 << 20, .waiting_bytes_in_all = 32 << 20});
  std::vector<std::unique_ptr<Client>> clients;
  for (SocketId id = 1; id <= 3; ++id) {
    clients.push_back(std::make_unique<Client>(port()));
    ASSERT_EQ(clients.back()->upgrade("/").status, 101);
    ASSERT_TRUE(comes_true([&] { return handler_.last_opened == id; }));
  }
  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 32; ++i) transport_->send_text(1, megabyte);
  EXPECT_TRUE(comes_true([&] { return handler_.closes == 1; }));
  // Together too much: who has the most waiting goes, and the other stays.
  for (int i = 0; i < 21; ++i) transport_->send_text(2, megabyte);
  for (int i = 0; i < 20; ++i) transport_->send_text(3, megabyte);
  EXPECT_TRUE(comes_true([&] { return handler_.closes == 2; }));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(clients[2]->frame()->payload.size(), megabyte.size());
  // Previews are left out long before.
  for (int i = 0; i < 100; ++i) transport_->send_preview(3, megabyte);
  transport_->send_text(3, "last");
  int previews = 0;
  for (auto frame = clients[2]->frame(); frame && frame->opcode == 2; frame = clients[2]->frame())
    ++previews;
  EXPECT_LT(previews, 100);
  EXPECT_EQ(handler_.closes, 2);
}

TEST_F(TransportTest, GivesANewcomerTheLongestSilentPlace) {
  start({.connections = 4});
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 4; ++i) silent.push_back(std::make_unique<Client>(port(), 5));
  Client newcomer(port());
  EXPECT_EQ(newcomer.request("GET", "/").status, 200);
  EXPECT_TRUE(silent[0]->ended());
  EXPECT_EQ(silent[3]->request("GET", "/").status, 200);
  // Those that are at work keep theirs.
  std::vector<std::unique_ptr<Client>> listeners;
  for (int i = 0; i < 4; ++i) {
    listeners.push_back(std::make_unique<Client>(port(), 5));
    ASSERT_EQ(listeners.back()->upgrade("/").status, 101);
  }
  EXPECT_EQ(Client(port(), 5).request("GET", "/").status, 0);
  listeners[1].reset();
  EXPECT_TRUE(comes_true([&] { return Client(port(), 1).request("GET", "/").status == 200; }));
  EXPECT_EQ(handler_.closes, 1);
}

TEST_F(TransportTest, EndsWebSocketsThatBreakTheProtocol) {
  start({});
  const std::string_view mask = "\0\0\0\0"sv;
  const auto frame = [&](std::string_view head, std::string_view payload) {
    return std::string(head).append(mask).append(payload);
  };
  const std::string cases[] = {
      "\x81\x05hello",                                          // not masked
      frame("\x83\x80"sv, ""),                                  // an opcode of nothing
      frame("\x8b\x80"sv, ""),                                  // a control opcode of nothing
      frame("\xc1\x81"sv, "a"),                                 // a reserved bit
      frame("\x09\x80"sv, ""),                                  // a ping in pieces
      frame("\x89\xfe\x00\x7e"sv, std::string(126, 'a')),       // a ping that is too long
      frame("\x80\x81"sv, "a"),                                 // goes on with nothing
      frame("\x01\x81"sv, "a") + frame("\x81\x81"sv, "b"),      // begins in the midst of another
      frame("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"sv, ""),  // nine exabytes
      frame("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv, ""),  // a length with its top bit
      frame("\x81\xff\0\0\0\0\0\x10\0\x01"sv, ""),              // a byte over the limit
      frame("\x81\xfe\x00\x05"sv, "hello"),                     // a length longer than need be
      frame("\x81\x82"sv, "\xff\xfe"),                          // not UTF-8
      frame("\x81\x83"sv, "\xed\xa0\x80"),                      // half a surrogate pair
      frame("\x01\x81"sv, "\xc3") + frame("\x80\x81"sv, "("),   // not UTF-8 across pieces
      frame("\x88\x81"sv, "\x03"),                              // a close with half a code
      frame("\x88\x82"sv, "\x03\xed"),                          // a close with a code of nobody
      frame("\x88\x83"sv, "\x03\xe8\xff"),                      // a close with a broken reason
  };
  for (const std::string& bytes : cases) {
    Client client(port(), 5);
    ASSERT_EQ(client.upgrade("/").status, 101);
    client.send(bytes);
    int frames = 0;
    while (client.frame()) ASSERT_LT(++frames, 4);
    EXPECT_TRUE(client.ended()) << ::testing::PrintToString(bytes.substr(0, 20));
  }
  // Many pieces, each within the limit, together over it.
  Client pieces(port(), 5);
  ASSERT_EQ(pieces.upgrade("/").status, 101);
  const std::string part(60'000, 'a');
  pieces.send(frame("\x01\xfe\xea\x60"sv, part));
  for (int i = 0; i < 20; ++i) pieces.send(frame("\x00\xfe\xea\x60"sv, part));
  while (pieces.frame()) {
  }
  EXPECT_TRUE(pieces.ended());
  EXPECT_EQ(handler_.messages, 0);
  EXPECT_TRUE(
      comes_true([&] { return handler_.closes == static_cast<int>(handler_.last_opened); }));
}

TEST_F(TransportTest, RefusesBrokenUpgrades) {
  start({});
  const std::string head =
      "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  const std::string version = "Sec-WebSocket-Version: 13\r\n";
  EXPECT_EQ(answer_and_end(port(), head + version + key + "\r\n\x81\x80"), 400);
  EXPECT_EQ(answer_and_end(port(), head + version + key + "Content-Length: 5\r\n\r\nhello"), 400);
  for (const std::string& broken : {head + version + "\r\n", head + key + "\r\n",
                                    head + key + "Sec-WebSocket-Version: 8\r\n\r\n"}) {
    Client client(port(), 5);
    client.send(broken);
    EXPECT_NE(client.receive().status, 101) << broken;
  }
  EXPECT_EQ(handler_.last_opened, 0U);
}

}  // namespace
}  // namespace obscura::server
