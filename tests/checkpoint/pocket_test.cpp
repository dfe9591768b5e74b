#include "checkpoint/pocket.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "base/hash.h"

namespace obscura::checkpoint {
namespace {

TEST(PocketModel, IsTheCommittedFile) {
  EXPECT_EQ(sha256_hex(pocket_model()),
            "19b0c20c3ebac1d954dbad25cdb230ce1d89f8c84f3d7582b7663f2939a67800");
}

// Readers cast parts of the mapping to half and float.
TEST(PocketModel, IsPageAlignedAsAMappedFileWouldBe) {
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pocket_model().data()) % 4096, 0u);
}

}  // namespace
}  // namespace obscura::checkpoint
