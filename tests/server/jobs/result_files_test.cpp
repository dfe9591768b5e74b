// Results come as bytes with a digest, and get a name in the output folder.
#include "server/jobs/result_files.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "base/files.h"
#include "base/hash.h"
#include "server/fake_studio.h"
#include "server/service_fixture.h"
#include "store/temporary_folder.h"

namespace obscura::server {
namespace {

namespace fs = std::filesystem;

class ResultFilesTest : public ::testing::Test {
 protected:
  // A PNG's head: 3 by 2.
  static std::string png(const std::string& more = "") {
    return std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\3\0\0\0\2", 24) + more;
  }
  MadeFile made(const std::string& bytes, const std::string& prefix = "a") {
    bytes_ = bytes;
    return {"9", prefix, "png", "image/png", sha256_hex(bytes_), std::as_bytes(std::span(bytes_))};
  }
  fs::path output(const std::string& name) const {
    return project_folder(folder_.path(), store::kDefaultProject) / "output" / name;
  }
  Result<store::NewResult> keep(const MadeFile& file) {
    return files_.keep(store::kDefaultProject, file);
  }
  std::string kept(const store::NewResult& result) const {
    return read_file(files_.path(store::kDefaultProject, result)).value();
  }

  obscura::testing::TemporaryFolder folder_;
  testing::FakeStudio studio_;
  ResultFiles files_{folder_.path(), studio_};
  std::string bytes_;
};

TEST_F(ResultFilesTest, KeepsBytesUnderTheirDigestAndNamesThem) {
  auto result = keep(made(png(), "sub/a"));
  ASSERT_TRUE(result.ok()) << result.error().message();
  EXPECT_EQ(result->node, "9");
  EXPECT_EQ(result->digest, sha256_hex(png()));
  EXPECT_EQ(result->subfolder, "sub");
  EXPECT_EQ(result->filename, "a_00001_.png");
  EXPECT_EQ(result->media_type, "image/png");
  EXPECT_EQ(result->bytes, 24);
  EXPECT_EQ(result->width, 3);
  EXPECT_EQ(result->height, 2);
  EXPECT_EQ(kept(*result), png());
  EXPECT_EQ(read_file(output("sub/a_00001_.png")).value(), png());
  EXPECT_EQ(fs::hard_link_count(output("sub/a_00001_.png")), 2U) << "they are one file";
}

TEST_F(ResultFilesTest, NamesEqualBytesAnew) {
  ASSERT_TRUE(keep(made(png())).ok());
  auto again = keep(made(png()));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->filename, "a_00002_.png");
  EXPECT_EQ(fs::hard_link_count(output("a_00002_.png")), 3U);
}

TEST_F(ResultFilesTest, RefusesBytesOfAnotherDigest) {
  MadeFile file = made(png());
  file.digest = sha256_hex("other bytes");
  auto refused = keep(file);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kCorrupt);
  EXPECT_NE(refused.error().message().find(sha256_hex(png())), std::string::npos);
  EXPECT_FALSE(fs::exists(output("a_00001_.png")));
}

TEST_F(ResultFilesTest, RefusesNamesThatLeadOut) {
  for (const char* prefix : {"../a", "/tmp/a", "x/../../a", "a\\b"})
    EXPECT_EQ(keep(made(png(), prefix)).error().kind(), ErrorKind::kInvalidInput) << prefix;
  for (const char* extension : {"", "png/../../x", "a.b"}) {
    MadeFile file = made(png());
    file.extension = extension;
    EXPECT_EQ(keep(file).error().kind(), ErrorKind::kInvalidInput) << extension;
  }
}

TEST_F(ResultFilesTest, RefusesATypeThatTheNameBelies) {
  MadeFile file = made(png());
  file.media_type = "text/html";
  EXPECT_EQ(keep(file).error().kind(), ErrorKind::kInvalidInput);
}

TEST_F(ResultFilesTest, IsNotMisledByAnImageThatSomebodyEdited) {
  auto first = keep(made(png()));
  ASSERT_TRUE(first.ok());
  std::ofstream(output("a_00001_.png"), std::ios::binary) << "edited in place";
  auto second = keep(made(png()));
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(read_file(output("a_00002_.png")).value(), png());
  EXPECT_EQ(kept(*second), png());
  EXPECT_EQ(read_file(output("a_00001_.png")).value(), "edited in place");
}

class MadeResultsTest : public testing::ServiceTest {
 protected:
  static std::string node(const std::string& id, const std::string& text, const std::string& how) {
    return '"' + id + R"(":{"class_type":"MakeImage","inputs":{"text":")" + text + R"(","how":")" +
           how + R"("}})";
  }
  static std::string make(const std::string& text, const std::string& how = "honest") {
    return '{' + node("5", text, how) + '}';
  }
  testing::json results_of(const std::string& id) {
    return get("/api/v1/results?job=" + id).json()["results"];
  }
  bool is_kept(const std::string& text) const {
    const std::string digest = sha256_hex(text);
    return fs::exists(project_folder(folder_.path(), store::kDefaultProject) / "results" /
                      digest.substr(0, 2) / (digest + ".png"));
  }
};

TEST_F(MadeResultsTest, AreThoseOfTheirJob) {
  const std::string id = submit(make("one"));
  EXPECT_EQ(finished(id)["outputs"]["5"]["images"][0]["filename"], "made_00001_.png");
  const testing::json results = results_of(id);
  ASSERT_EQ(results.size(), 1U);
  EXPECT_EQ(results[0]["digest"], sha256_hex("one"));
  EXPECT_EQ(results[0]["node"], "5");
  EXPECT_EQ(get(results[0]["url"]).body, "one");
  EXPECT_EQ(get("/view?filename=made_00001_.png").body, "one");
}

TEST_F(MadeResultsTest, AreThoseOfAJobThatIsServedFromTheCacheToo) {
  finished(submit(make("one")));
  const std::string id = submit(make("one"));
  EXPECT_EQ(finished(id)["outputs"]["5"]["images"][0]["filename"], "made_00001_.png");
  ASSERT_EQ(results_of(id).size(), 1U);
  EXPECT_EQ(results_of(id)[0]["digest"], sha256_hex("one"));
}

TEST_F(MadeResultsTest, OfAnotherDigestFailTheJob) {
  const std::string id = submit(make("one", "lying"));
  const testing::json entry = finished(id);
  EXPECT_EQ(entry["status"]["messages"].back()[1]["exception_type"], "corrupt") << entry;
  EXPECT_TRUE(results_of(id).empty());
}

TEST_F(MadeResultsTest, ThatNoNodeShowsAreNotKept) {
  finished(submit(make("one")));
  const std::string id =
      submit('{' + node("5", "one", "honest") + ',' + node("6", "lost", "failing") + '}');
  finished(id);
  ASSERT_EQ(results_of(id).size(), 1U) << "what is cached is shown";
  EXPECT_EQ(results_of(id)[0]["digest"], sha256_hex("one"));
  EXPECT_TRUE(is_kept("one"));
  EXPECT_FALSE(is_kept("lost"));
}

TEST_F(MadeResultsTest, StayWhereSomebodyTidiesTheOutputFolderMeanwhile) {
  const std::string id = submit(make("one", "removed"));
  EXPECT_EQ(finished(id)["outputs"]["5"]["images"][0]["filename"], "made_00001_.png");
  EXPECT_EQ(get("/view?filename=made_00001_.png").status, 404);
  ASSERT_EQ(results_of(id).size(), 1U);
  EXPECT_EQ(get(results_of(id)[0]["url"]).body, "one");
}

}  // namespace
}  // namespace obscura::server
