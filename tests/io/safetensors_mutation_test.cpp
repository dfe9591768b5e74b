#include <gtest/gtest.h>

#include "fuzz/fuzz_safetensors.h"
#include "fuzz/mutate.h"

namespace obscura::fuzz {
namespace {

TEST(SafetensorsMutation, DamagedFilesAreRefusedOrRight) {
  auto seeds = read_corpus("safetensors");
  ASSERT_GE(seeds.size(), 3u);
  int accepted = 0;
  run_mutations(seeds, 20'000,
                [&](std::span<const std::byte> input) { accepted += fuzz_safetensors(input); });
  // Some changes hit the data or a name: both ways must have been walked.
  EXPECT_GE(accepted, 200);
  EXPECT_LT(accepted, 10'000);
}

}  // namespace
}  // namespace obscura::fuzz
