// The fuzz targets of requests, on the same mutations every time.
#include <gtest/gtest.h>

#include "fuzz/fuzz_http.h"
#include "fuzz/fuzz_service.h"
#include "fuzz/mutate.h"

namespace obscura::server {
namespace {

TEST(RequestMutations, OfTargetsAndForms) {
  const auto seeds = fuzz::read_corpus("http");
  int sound = 0;
  fuzz::run_mutations(seeds, 20'000, [&](std::span<const std::byte> bytes) {
    sound += fuzz::fuzz_http(bytes) ? 1 : 0;
  });
  EXPECT_GT(sound, 1000);
}

TEST(RequestMutations, OfRequestsToTheService) {
  const auto seeds = fuzz::read_corpus("service");
  int answered = 0;
  for (const fuzz::Input& seed : seeds) {
    EXPECT_TRUE(fuzz::fuzz_service(std::span<const std::byte>(seed))) << std::string(
        reinterpret_cast<const char*>(seed.data()), std::min<std::size_t>(seed.size(), 60));
  }
  fuzz::run_mutations(seeds, 2'000, [&](std::span<const std::byte> bytes) {
    answered += fuzz::fuzz_service(bytes) ? 1 : 0;
  });
  EXPECT_GT(answered, 300);
}

}  // namespace
}  // namespace obscura::server
