#include "graph/result_cache.h"

#include <gtest/gtest.h>

namespace obscura::graph {
namespace {

constexpr std::size_t kKiB = 1024;

struct Blob {
  std::size_t size;
  std::size_t value_bytes() const { return size; }
};

std::shared_ptr<const NodeOutcome> outcome(std::vector<std::shared_ptr<const Blob>> blobs) {
  auto result = std::make_shared<NodeOutcome>();
  for (auto& blob : blobs) result->outputs.push_back({Value::handle("BLOB", std::move(blob))});
  return result;
}

std::shared_ptr<const Blob> blob(std::size_t size) {
  return std::make_shared<const Blob>(Blob{size});
}

TEST(ResultCache, DropsTheLeastRecentlyUsed) {
  ResultCache cache(350 * kKiB);
  for (const char* key : {"a", "b", "c"}) cache.insert(key, outcome({blob(100 * kKiB)}));
  EXPECT_EQ(cache.size(), 3u);
  EXPECT_NE(cache.find("a"), nullptr);
  cache.insert("d", outcome({blob(100 * kKiB)}));
  EXPECT_TRUE(cache.contains("a"));
  EXPECT_FALSE(cache.contains("b"));
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_LE(cache.bytes(), 350 * kKiB);
}

TEST(ResultCache, CountsASharedObjectOnce) {
  ResultCache cache(250 * kKiB);
  auto model = blob(200 * kKiB);
  for (const char* key : {"a", "b", "c", "d"}) cache.insert(key, outcome({model, model}));
  EXPECT_EQ(cache.size(), 4u);
  EXPECT_LT(cache.bytes(), 210 * kKiB);
  cache.insert("e", outcome({blob(240 * kKiB)}));
  EXPECT_EQ(cache.size(), 1u);
}

TEST(ResultCache, KeepsNothingThatIsLargerThanItself) {
  ResultCache cache(100 * kKiB);
  cache.insert("a", outcome({blob(50 * kKiB)}));
  cache.insert("b", outcome({blob(200 * kKiB)}));
  EXPECT_TRUE(cache.contains("a"));
  EXPECT_FALSE(cache.contains("b"));
}

TEST(ResultCache, ReplacesAndForgets) {
  ResultCache cache(100 * kKiB);
  cache.insert("a", outcome({blob(50 * kKiB)}));
  cache.insert("a", outcome({blob(60 * kKiB)}));
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_LT(cache.bytes(), 65 * kKiB);
  cache.set_limit(10 * kKiB);
  EXPECT_EQ(cache.size(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
  cache.set_limit(100 * kKiB);
  cache.insert("a", outcome({blob(50 * kKiB)}));
  cache.clear();
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST(ResultCache, EmptyResultsDoNotPileUp) {
  ResultCache cache(100 * kKiB);
  for (int i = 0; i < 10'000; ++i) cache.insert(std::to_string(i), outcome({}));
  EXPECT_LE(cache.size(), 100u);
}

}  // namespace
}  // namespace obscura::graph
