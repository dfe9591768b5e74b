// TLS: sound certificates and no others, HTTP and WebSocket through it, and clients that do not
// keep to it.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstdio>
#include <fstream>

#include "server/net/self_signed.h"
#include "server/net/tls_client.h"
#include "server/net/transport_fixture.h"
#include "server/service_fixture.h"

namespace obscura::server {
namespace {

using namespace testing;  // NOLINT: the fixtures
using namespace std::chrono_literals;
using obscura::testing::TemporaryFolder;

// A certificate and its key, made here: neither is worth keeping.
CertificateFiles made_certificate(const std::filesystem::path& folder, const std::string& name,
                                  long from_day, long to_day, const char* password = nullptr) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), from_day * 86400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), to_day * 86400);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  CertificateFiles files{folder / (name + ".pem"), folder / (name + ".key")};
  FILE* file = std::fopen(files.certificate.c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(file, key, password == nullptr ? nullptr : EVP_aes_256_cbc(), nullptr, 0,
                       nullptr, const_cast<char*>(password));
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return files;
}

std::string refusal_of(const CertificateFiles& files) {
  auto tls = TlsContext::load(files);
  if (tls.ok()) return "";
  EXPECT_EQ(tls.error().kind(), ErrorKind::kInvalidInput);
  return tls.error().message();
}

TEST(Certificate, IsRefusedUnlessItIsSoundNow) {
  TemporaryFolder folder;
  const auto good = made_certificate(folder.path(), "good", -1, 90);
  const auto other = made_certificate(folder.path(), "other", -1, 90);
  const auto past = made_certificate(folder.path(), "past", -90, -1);
  const auto future = made_certificate(folder.path(), "future", 1, 90);
  const auto locked = made_certificate(folder.path(), "locked", -1, 90, "secret");
  EXPECT_EQ(refusal_of(good), "");
  EXPECT_NE(refusal_of(past).find("past.pem: the certificate has expired on 20"),
            std::string::npos);
  EXPECT_NE(refusal_of(future).find("future.pem: the certificate holds only from 20"),
            std::string::npos);
  const std::pair<CertificateFiles, const char*> cases[] = {
      {{good.certificate, other.key}, "other.key: wanted the key of"},
      {locked, "locked.key: wanted the key of"},
      {{good.certificate, good.certificate}, "good.pem: wanted the key of"},
      {{good.key, good.key}, "good.key: wanted a certificate in PEM"},
      {{folder.path() / "none", good.key}, "No such file or directory"},
      {{good.certificate, folder.path() / "none"}, "No such file or directory"},
      {{folder.path(), good.key}, "wanted a certificate in PEM"},
  };
  for (const auto& [files, words] : cases)
    EXPECT_NE(refusal_of(files).find(words), std::string::npos) << refusal_of(files);
}

TEST(Certificate, OfOnesOwnIsKeptUntilItEnds) {
  TemporaryFolder folder;
  const auto place = folder.path() / "tls";
  auto first = self_signed_certificate(place);
  ASSERT_TRUE(first.ok()) << first.error().message();
  EXPECT_EQ(first->fingerprint().size(), 95U);
  EXPECT_TRUE(first->holds_for(820));
  EXPECT_FALSE(first->holds_for(830));
  EXPECT_EQ(self_signed_certificate(place)->fingerprint(), first->fingerprint());
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(place).permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(place / "key.pem").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
  // One that ends soon is replaced, and so is what is none.
  const auto ending = made_certificate(place, "ending", -1, 29);
  fs::rename(ending.certificate, place / "certificate.pem");
  fs::rename(ending.key, place / "key.pem");
  auto second = self_signed_certificate(place);
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->holds_for(820));
  EXPECT_NE(second->fingerprint(), first->fingerprint());
  fs::resize_file(place / "key.pem", 10);
  EXPECT_TRUE(self_signed_certificate(place).ok());
  EXPECT_FALSE(self_signed_certificate("/dev/null/tls").ok());
}

class TlsServiceTest : public ServiceTest {
 protected:
  TlsServiceTest() {
    stop();
    auto tls = self_signed_certificate(folder_.path() / "tls");
    EXPECT_TRUE(tls.ok());
    start("s3cret", *tls);
  }
  Reply ask(const std::string& method, const std::string& target, const std::string& body = "",
            const std::string& headers = "") {
    return TlsClient(port()).request(method, target, body,
                                     "Authorization: Bearer s3cret\r\n" + headers);
  }
};

TEST_F(TlsServiceTest, AnswersThroughTls) {
  TlsClient client(port());
  ASSERT_TRUE(client.secure());
  EXPECT_EQ(client.version(), "TLSv1.3");
  EXPECT_EQ(client.request("GET", "/queue?token=s3cret").status, 200);
  EXPECT_EQ(client.request("GET", "/queue").status, 401);
  // Larger than a record, both ways, and by a file.
  const std::string image(3 << 20, 'p');
  EXPECT_EQ(ask("POST", "/upload/image", form({}, "a.png", image),
                "Content-Type: multipart/form-data; boundary=B\r\n")
                .status,
            200);
  EXPECT_EQ(ask("GET", "/view?filename=a.png&type=input").body, image);
  EXPECT_EQ(ask("HEAD", "/view?filename=a.png&type=input").status, 200);
}

TEST_F(TlsServiceTest, CarriesWebSockets) {
  TlsClient listener(port());
  ASSERT_EQ(listener.upgrade("/ws?clientId=a&token=s3cret", "Origin: https://localhost\r\n").status,
            101);
  const std::string prompt = R"({"client_id":"a","prompt":)" + slow(3, 1) + "}";
  EXPECT_EQ(ask("POST", "/prompt", prompt).status, 200);
  bool preview = false, over = false;
  while (!over) {
    const auto frame = listener.frame();
    ASSERT_TRUE(frame.has_value());
    preview = preview || frame->opcode == 2;
    over = frame->payload.find("execution_success") != std::string::npos;
  }
  EXPECT_TRUE(preview);
  listener.send_frame(8, "\x03\xe8");
  auto frame = listener.frame();
  while (frame && frame->opcode != 8) frame = listener.frame();
  EXPECT_TRUE(frame.has_value());
  EXPECT_TRUE(listener.ended());
}

TEST_F(TlsServiceTest, RefusesWhatIsNotThisTls) {
  Client plain(port());
  const Reply reply = plain.request("GET", "/queue");
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("https://"), std::string::npos);
  EXPECT_TRUE(plain.ended());
  Client noise(port());
  noise.send(std::string(300, '\x7f'));
  noise.receive();
  EXPECT_TRUE(noise.ended());
  EXPECT_FALSE(TlsClient(port(), TLS1_1_VERSION).secure());
  TlsClient older(port(), TLS1_2_VERSION);
  ASSERT_TRUE(older.secure());
  EXPECT_TRUE(older.cipher().starts_with("ECDHE")) << older.cipher();
  EXPECT_FALSE(older.renegotiate());
  EXPECT_EQ(ask("GET", "/queue").status, 200);
}

TEST_F(TlsServiceTest, KeepsCookiesAndPagesToTls) {
  const Reply session = ask("POST", "/api/v1/session", R"({"token":"s3cret"})");
  EXPECT_EQ(session.status, 200);
  EXPECT_NE(session.head.find("; Secure"), std::string::npos) << session.head;
  EXPECT_EQ(ask("GET", "/queue", "", "Origin: https://localhost\r\n").status, 200);
  EXPECT_EQ(ask("GET", "/queue", "", "Origin: http://localhost\r\n").status, 403);
  EXPECT_EQ(ask("GET", "/queue").head.find("Strict-Transport-Security"), std::string::npos);
  // The key lies in the data folder: no way of asking for files leads there.
  for (const char* target :
       {"/view?filename=key.pem&subfolder=../tls&type=input", "/userdata/..%2Ftls%2Fkey.pem",
        "/view?filename=..%2Ftls%2Fkey.pem&type=output"})
    EXPECT_EQ(ask("GET", target).status, 400) << target;
  const Reply exported = ask("GET", "/api/v1/projects/default/export");
  EXPECT_EQ(exported.status, 200);
  EXPECT_NE(exported.body.find("jobs.json"), std::string::npos);
  EXPECT_EQ(exported.body.find("PRIVATE KEY"), std::string::npos);
}

class TlsTransportTest : public TransportTest {
 protected:
  void start_with_tls(TransportOptions options) {
    auto tls = self_signed_certificate(folder_.path());
    ASSERT_TRUE(tls.ok());
    options.tls = *tls;
    start(options);
  }
  TemporaryFolder folder_;
};

TEST_F(TlsTransportTest, WaitsForNobodysHandshake) {
  start_with_tls({.header_seconds = 3});
  std::vector<std::unique_ptr<Client>> silent;
  for (int i = 0; i < 8; ++i) {
    silent.push_back(std::make_unique<Client>(port()));
    // The beginning of a handshake that does not go on.
    silent.back()->send(std::string_view("\x16\x03\x01\x02\x00\x01", 6).substr(0, i % 7));
  }
  EXPECT_EQ(TlsClient(port()).request("GET", "/").status, 200);
  // While the others still may go on.
  char byte = 0;
  for (auto& client : silent)
    EXPECT_TRUE(::recv(client->descriptor(), &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
  for (auto& client : silent) EXPECT_TRUE(client->ended());
}

TEST_F(TlsTransportTest, EndsConnectionsThatAreHalfOpen) {
  start_with_tls({.header_seconds = 1, .idle_seconds = 1, .silence_seconds = 1});
  TlsClient idle(port());
  EXPECT_EQ(idle.request("GET", "/").status, 200);
  EXPECT_TRUE(idle.ended());
  // It answers no ping: nobody is there any more.
  TlsClient listener(port());
  ASSERT_EQ(listener.upgrade("/").status, 101);
  EXPECT_TRUE(comes_true([&] { return handler_.closes == 1; }));
  // Cut off without TLS's own goodbye, in mid-handshake or later, is only the end.
  for (int i = 0; i < 20; ++i) {
    TlsClient client(port());
    EXPECT_TRUE(client.secure());
    if (i % 2 == 0) client.send("GET / HTTP/1.1\r\nHost: a\r\n");
  }
  EXPECT_EQ(TlsClient(port()).request("GET", "/").status, 200);
}

TEST_F(TlsTransportTest, ShowsARenewedCertificate) {
  const auto now = made_certificate(folder_.path(), "now", -1, 30);
  const auto next = made_certificate(folder_.path(), "next", -1, 90);
  // Both could be written within one tick of the clock that files are dated by.
  for (const auto& file : {next.certificate, next.key})
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now() + 1h);
  TransportOptions options;
  auto tls = TlsContext::load(now);
  ASSERT_TRUE(tls.ok());
  options.tls = *tls;
  start(options);
  TlsClient before(port());
  const std::string old = before.certificate_end();
  ASSERT_NE(old, "");
  // Its key is still the old one: not taken.
  std::filesystem::rename(next.certificate, now.certificate);
  std::this_thread::sleep_for(1500ms);
  EXPECT_EQ(TlsClient(port()).certificate_end(), old);
  std::filesystem::rename(next.key, now.key);
  EXPECT_TRUE(comes_true([&] {
    const std::string shown = TlsClient(port()).certificate_end();
    return !shown.empty() && shown != old;
  }));
  // Who was there before goes on.
  EXPECT_EQ(before.request("GET", "/").status, 200);
}

TEST_F(TlsTransportTest, TellsBrowsersToComeByTlsOnly) {
  start_with_tls({.address = "0.0.0.0"});
  EXPECT_NE(TlsClient(port()).request("GET", "/").head.find("Strict-Transport-Security: max-age="),
            std::string::npos);
}

TEST(Access, TakesTlsInPlaceOfInsecure) {
  AccessOptions options;
  options.listen.address = "0.0.0.0";
  options.token = "t";
  EXPECT_FALSE(Access::create(options).ok());
  options.tls = true;
  EXPECT_TRUE(Access::create(options).ok());
  options.token = "";
  EXPECT_FALSE(Access::create(options).ok());
}

}  // namespace
}  // namespace obscura::server
