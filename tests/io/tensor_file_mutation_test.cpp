#include <gtest/gtest.h>

#include "fuzz/fuzz_tensor_file.h"
#include "fuzz/mutate.h"

namespace obscura::fuzz {
namespace {

TEST(TensorFileMutation, DamagedFilesAreRefusedOrRight) {
  auto seeds = read_corpus("tensor_file");
  ASSERT_GE(seeds.size(), 8u);
  int accepted = 0;
  run_mutations(seeds, 20'000,
                [&](std::span<const std::byte> input) { accepted += fuzz_tensor_file(input); });
  // Some changes hit the data or a name: both ways must have been walked.
  EXPECT_GE(accepted, 200);
  EXPECT_LT(accepted, 15'000);
}

}  // namespace
}  // namespace obscura::fuzz
