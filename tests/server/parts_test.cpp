// The parts that need no socket: addresses, forms, folders, who may come in.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "server/net/http.h"
#include "server/net/multipart.h"
#include "server/net/router.h"
#include "server/studio/access.h"
#include "server/studio/file_area.h"
#include "store/temporary_folder.h"

namespace obscura::server {
namespace {

using obscura::testing::TemporaryFolder;

Request request_with(const std::multimap<std::string, std::string>& headers,
                     std::string_view target = "/queue") {
  Request request;
  request.method = "GET";
  EXPECT_TRUE(parse_target(target, request).ok());
  request.headers = headers;
  return request;
}

AccessOptions listening(const std::string& address, const std::string& token = "",
                        bool insecure = false) {
  AccessOptions options;
  options.listen.address = address;
  options.token = token;
  options.insecure = insecure;
  return options;
}

TEST(Http, SplitsATarget) {
  Request request;
  ASSERT_TRUE(parse_target("/view/a%2Fb?filename=a%20b%2B+c.png&x&y=1=2#top", request).ok());
  EXPECT_EQ(request.path, "/view/a%2Fb");
  EXPECT_EQ(*request.parameter("filename"), "a b+ c.png");
  EXPECT_EQ(*request.parameter("x"), "");
  EXPECT_EQ(*request.parameter("y"), "1=2");
  EXPECT_EQ(request.parameter("z"), nullptr);
  for (const char* bad : {"queue", "*", "/a?b=%", "/a?b=%4", "/a?b=%zz", "/a?b=%00"})
    EXPECT_FALSE(parse_target(bad, request).ok()) << bad;
}

TEST(Http, ReadsParametersOfHeaders) {
  const std::string header = R"(form-data; name="image"; filename="a \"b\";c.png"; size=12)";
  EXPECT_EQ(header_parameter(header, "name"), "image");
  EXPECT_EQ(header_parameter(header, "filename"), R"(a "b";c.png)");
  EXPECT_EQ(header_parameter(header, "SIZE"), "12");
  EXPECT_EQ(header_parameter(header, "nothing"), "");
  EXPECT_EQ(header_parameter(R"(form-data; filename="C:\a\b.png")", "filename"), R"(C:\a\b.png)");
  EXPECT_EQ(header_parameter(R"(a; name="open)", "name"), "open");
}

TEST(Router, ChoosesByMethodAndPattern) {
  Router router;
  router.add("GET", "/models",
             [](const Request&, const Captures&) { return json_response("all"); });
  router.add("GET", "/models/{}",
             [](const Request&, const Captures& captures) { return json_response(captures[0]); });
  router.add(
      "DELETE", "/models/{}", [](const Request&, const Captures&) { return json_response("gone"); },
      Role::kOwner);
  auto ask = [&](const char* method, const char* path, Role role = Role::kArtist) {
    Request request;
    request.method = method;
    request.path = path;
    request.caller.role = role;
    return router.answer(request);
  };
  EXPECT_EQ(ask("GET", "/models").body, "all");
  EXPECT_EQ(ask("GET", "/api/models").body, "all");
  EXPECT_EQ(ask("HEAD", "/models").body, "all");
  EXPECT_EQ(ask("GET", "/models/a%2Fb").body, "a/b");
  EXPECT_EQ(ask("DELETE", "/models/a", Role::kOwner).body, "gone");
  EXPECT_EQ(ask("DELETE", "/models/a").status, 403);
  EXPECT_EQ(ask("DELETE", "/models/a", Role::kNobody).status, 401);
  EXPECT_EQ(ask("GET", "/nothing", Role::kNobody).status, 401);
  EXPECT_EQ(ask("GET", "/models/a/b").status, 404);
  EXPECT_EQ(ask("GET", "/models/%zz").status, 400);
  EXPECT_EQ(ask("GET", "/api").status, 404);
  EXPECT_EQ(ask("POST", "/models").status, 405);
}

TEST(Access, ReadsListenAddresses) {
  EXPECT_EQ(parse_listen_address("127.0.0.1:8188")->port, 8188);
  EXPECT_EQ(parse_listen_address("localhost:1")->address, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("[::1]:80")->address, "::1");
  for (const char* bad : {"", "8188", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "host:1",
                          "127.0.0.1:8x", "1.2.3:4"})
    EXPECT_FALSE(parse_listen_address(bad).ok()) << bad;
}

TEST(Access, WantsATokenBeyondThisMachine) {
  EXPECT_TRUE(Access::create(listening("127.0.0.1")).ok());
  EXPECT_TRUE(Access::create(listening("::1")).ok());
  EXPECT_TRUE(Access::create(listening("0.0.0.0", "secret", true)).ok());
  EXPECT_FALSE(Access::create(listening("0.0.0.0", "secret")).ok());
  EXPECT_FALSE(Access::create(listening("0.0.0.0", "", true)).ok());
  for (const char* address : {"0.0.0.0", "::", "192.168.0.1", "128.0.0.1"})
    EXPECT_FALSE(Access::create(listening(address)).ok()) << address;
  EXPECT_FALSE(Access::create(listening("127.0.0.1", "two words")).ok());
}

TEST(Access, LetsInOnlyItsOwnPages) {
  Access access = *Access::create(listening("127.0.0.1"));
  auto status = [&](const std::multimap<std::string, std::string>& headers) {
    Request request = request_with(headers);
    auto refusal = access.refuse(request);
    return refusal ? refusal->status : 200;
  };
  EXPECT_EQ(status({{"host", "localhost:8188"}}), 200);
  EXPECT_EQ(status({{"host", "127.0.0.1:8188"}}), 200);
  EXPECT_EQ(status({{"host", "[::1]:8188"}}), 200);
  EXPECT_EQ(status({{"host", "LOCALHOST"}}), 200);
  // A name that a stranger points at 127.0.0.1.
  EXPECT_EQ(status({{"host", "rebound.example:8188"}}), 403);
  EXPECT_EQ(status({{"host", "localhost.example"}}), 403);
  EXPECT_EQ(status({{"host", ""}}), 403);
  EXPECT_EQ(status({}), 403);
  EXPECT_EQ(status({{"host", "localhost:8188"}, {"origin", "http://localhost:8188"}}), 200);
  EXPECT_EQ(status({{"host", "localhost:8188"}, {"origin", "http://localhost:3000"}}), 403);
  EXPECT_EQ(status({{"host", "localhost:8188"}, {"origin", "https://example.org"}}), 403);
  EXPECT_EQ(status({{"host", "localhost:8188"}, {"origin", "null"}}), 403);
  EXPECT_EQ(status({{"host", "localhost:8188"}, {"sec-fetch-site", "cross-site"}}), 403);
  EXPECT_EQ(status({{"host", "localhost:8188"},
                    {"sec-fetch-site", "cross-site"},
                    {"sec-fetch-mode", "navigate"}}),
            200);
}

TEST(Access, ComparesTokens) {
  Access access = *Access::create(listening("0.0.0.0", "s3cret", true));
  auto status = [&](const std::multimap<std::string, std::string>& headers,
                    const char* target = "/queue") {
    Request request = request_with(headers, target);
    auto refusal = access.refuse(request);
    if (refusal) return refusal->status;
    return request.caller.role == Role::kOwner ? 200 : 401;  // nobody may do nothing
  };
  EXPECT_EQ(status({{"host", "studio.example"}, {"authorization", "Bearer s3cret"}}), 200);
  EXPECT_EQ(status({{"host", "studio.example"}}, "/ws?clientId=a&token=s3cret"), 200);
  EXPECT_EQ(status({{"host", "studio.example"}}), 401);
  EXPECT_EQ(status({{"host", "studio.example"}, {"authorization", "Bearer s3cre"}}), 401);
  EXPECT_EQ(status({{"host", "studio.example"}, {"authorization", "Bearer s3creT"}}), 401);
  EXPECT_EQ(status({{"host", "studio.example"}, {"authorization", "s3cret"}}), 401);
  EXPECT_EQ(status({{"host", "studio.example"}}, "/queue?token="), 401);
  EXPECT_EQ(status({{"host", "studio.example"},
                    {"authorization", "Bearer s3cret"},
                    {"origin", "https://example.org"}}),
            403);
}

TEST(Multipart, ReadsAForm) {
  const std::string body =
      "preamble\r\n--xYz\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ninput\r\n"
      "--xYz\r\ncontent-disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n"
      "Content-Type: image/png\r\n\r\nby\r\n\r\n--tes\r\n--xYz\r\n"
      "Content-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--xYz--\r\n";
  auto parts = parse_form("multipart/form-data; boundary=xYz", body);
  ASSERT_TRUE(parts.ok()) << parts.error().message();
  ASSERT_EQ(parts->size(), 3U);
  EXPECT_EQ(find_part(*parts, "type")->content, "input");
  EXPECT_EQ(find_part(*parts, "image")->content, "by\r\n\r\n--tes");
  EXPECT_EQ(find_part(*parts, "image")->filename, "a.png");
  EXPECT_EQ(find_part(*parts, "empty")->content, "");
  EXPECT_EQ(find_part(*parts, "other"), nullptr);
  // Cut anywhere, it is refused.
  const std::size_t whole = body.find("--xYz--");
  for (std::size_t size = 0; size < whole + 6; ++size)
    EXPECT_FALSE(parse_form("multipart/form-data; boundary=xYz", body.substr(0, size)).ok())
        << size;
  EXPECT_FALSE(parse_form("text/plain", body).ok());
  EXPECT_FALSE(parse_form("multipart/form-data", body).ok());
}

TEST(FileArea, StaysInItsFolder) {
  TemporaryFolder folder;
  namespace fs = std::filesystem;
  fs::create_directories(folder.path() / "area/sub");
  ASSERT_TRUE(write_file_atomically(folder.path() / "secret.txt", "secret").ok());
  ASSERT_TRUE(write_file_atomically(folder.path() / "area/sub/a b.png", "image").ok());
  fs::create_symlink(folder.path() / "secret.txt", folder.path() / "area/link.txt");
  fs::create_directory_symlink(folder.path(), folder.path() / "area/up");
  const FileArea area(folder.path() / "area");
  EXPECT_TRUE(area.find("sub/a b.png").ok());
  EXPECT_TRUE(area.find("./sub//a b.png").ok());
  for (const char* bad :
       {"", "/etc/passwd", "../secret.txt", "sub/../../secret.txt", "sub/../..", "..\\secret.txt",
        "link.txt", "up/secret.txt", "up/area/sub/../../secret.txt", "a\nb", ".."}) {
    auto found = area.find(bad);
    ASSERT_FALSE(found.ok()) << bad;
    EXPECT_EQ(found.error().kind(), ErrorKind::kInvalidInput) << bad;
    EXPECT_FALSE(area.store("", bad, "x", true).ok()) << bad;
  }
  EXPECT_EQ(area.find("none.png").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(area.find("sub").error().kind(), ErrorKind::kNotFound);
  EXPECT_EQ(*read_file(folder.path() / "secret.txt"), "secret");
}

TEST(FileArea, NamesUploads) {
  TemporaryFolder folder;
  const FileArea area(folder.path());
  EXPECT_EQ(*area.store("s", "a.png", "one", false), "a.png");
  EXPECT_EQ(*area.store("s", "a.png", "one", false), "a.png");
  EXPECT_EQ(*area.store("s", "a.png", "two", false), "a (1).png");
  EXPECT_EQ(*area.store("s", "a.png", "two", false), "a (1).png");
  EXPECT_EQ(*area.store("s", "a.png", "three", true), "a.png");
  EXPECT_EQ(*read_file(folder.path() / "s/a.png"), "three");
  EXPECT_EQ(*read_file(folder.path() / "s/a (1).png"), "two");
  EXPECT_FALSE(area.store("../s", "a.png", "x", true).ok());
  EXPECT_FALSE(area.store("", "s/a.png", "x", true).ok());
}

TEST(FileArea, ShowsBrowsersNoPrograms) {
  EXPECT_EQ(media_type("a.PNG"), "image/png");
  for (const char* name : {"a.html", "a.svg", "a.js", "a.xml", "a.css", "a"})
    EXPECT_EQ(media_type(name), "application/octet-stream") << name;
}

}  // namespace
}  // namespace obscura::server
