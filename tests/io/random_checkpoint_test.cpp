#include "io/random_checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "base/hash.h"
#include "io/key_list.h"
#include "io/safetensors.h"
#include "io/test_folder.h"
#include "test_paths.h"

namespace obscura::io {
namespace {

const std::filesystem::path kKeys = source_path("models/keys");

constexpr std::string_view kList =
    "text.position_ids\tI64\t1,77\n"
    "text.token_embedding.weight\tF32\t200,300\n"
    "text.logit_scale\tF16\t\n"
    "unet.norm.weight\tBF16\t4096\n"
    "unet.norm.bias\tF32\t4096\n"
    "unet.conv.weight\tF16\t64,32,3,3\n"
    "unet.big.weight\tF16\t3000,3000\n"
    "betas\tF32\t1000\n"
    "model_ema.num_updates\tI32\t\n";

std::vector<float> values_of(const SafetensorsFile& file, std::string_view name) {
  const TensorEntry* entry = file.find(name);
  EXPECT_NE(entry, nullptr);
  std::vector<float> values(static_cast<std::size_t>(entry->shape.elements()));
  widen_to_f32(entry->dtype, entry->bytes.data(), values.data(), values.size());
  return values;
}

struct Moments {
  double mean = 0;
  double std = 0;
  double largest = 0;
};

Moments moments_of(const std::vector<float>& values) {
  Moments moments;
  for (float value : values) moments.mean += value;
  moments.mean /= static_cast<double>(values.size());
  for (float value : values) {
    double distance = value - moments.mean;
    moments.std += distance * distance;
    moments.largest = std::max(moments.largest, std::fabs(distance));
  }
  moments.std = std::sqrt(moments.std / static_cast<double>(values.size()));
  return moments;
}

TEST(RandomCheckpoint, ValuesFollowTheRules) {
  TestFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "keys.tsv", kList).ok());
  std::uint64_t last = 0, total = 0;
  auto progress = [&](std::uint64_t written, std::uint64_t all) {
    EXPECT_GT(written, last);
    last = written;
    total = all;
  };
  ASSERT_TRUE(
      write_random_checkpoint(folder / "keys.tsv", folder / "out.safetensors", {}, progress).ok());
  EXPECT_EQ(last, total);
  auto file = SafetensorsFile::open(folder / "out.safetensors");
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->entries().size(), 9u);

  std::int64_t position = 0;
  std::memcpy(&position, file->find("text.position_ids")->bytes.data() + 76 * 8, 8);
  EXPECT_EQ(position, 76);
  EXPECT_NEAR(values_of(*file, "text.logit_scale")[0], 4.6052f, 2e-3f);
  EXPECT_EQ(moments_of(values_of(*file, "betas")).largest, 0);

  auto expect_moments = [&](const char* name, double mean, double std) {
    auto values = values_of(*file, name);
    Moments found = moments_of(values);
    double n = static_cast<double>(values.size());
    EXPECT_NEAR(found.mean, mean, 5 * std / std::sqrt(n)) << name;
    EXPECT_NEAR(found.std, std, 0.04 * std) << name;
    EXPECT_GT(found.largest, 2.5 * std) << name;
    EXPECT_LT(found.largest, 3.6 * std) << name;
  };
  expect_moments("text.token_embedding.weight", 0, 0.02);
  expect_moments("unet.norm.weight", 1, 0.02);
  expect_moments("unet.norm.bias", 0, 0.02);
  expect_moments("unet.conv.weight", 0, 0.7 / std::sqrt(32 * 9));
  expect_moments("unet.big.weight", 0, 0.7 / std::sqrt(3000));

  // Neighbours, and elements a buffer apart, must not be related.
  auto big = values_of(*file, "unet.big.weight");
  for (std::size_t lag :
       {std::size_t{1}, std::size_t{3000}, std::size_t{1} << 16, std::size_t{8} << 20}) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < big.size(); ++i) sum += big[i] * big[i + lag];
    double n = static_cast<double>(big.size() - lag);
    EXPECT_LT(std::fabs(sum / n), 5 * (0.49 / 3000) / std::sqrt(n)) << lag;
  }
}

TEST(RandomCheckpoint, DependsOnSeedNameAndIndexOnly) {
  TestFolder folder;
  auto write = [&](const std::string& name, std::string_view list, std::uint64_t seed) {
    EXPECT_TRUE(write_file_atomically(folder / "keys.tsv", list).ok());
    RandomCheckpointOptions options;
    options.seed = seed;
    EXPECT_TRUE(write_random_checkpoint(folder / "keys.tsv", folder / name, options).ok());
    return values_of(*SafetensorsFile::open(folder / name), "a.weight");
  };
  auto first = write("1", "a.weight\tF32\t8,8\nb.weight\tF32\t8,8\n", 1);
  EXPECT_EQ(write("2", "c.bias\tF32\t5\na.weight\tF32\t8,8\n", 1), first);
  EXPECT_NE(write("3", "a.weight\tF32\t8,8\n", 2), first);
  EXPECT_NE(values_of(*SafetensorsFile::open(folder / "1"), "b.weight"), first);
  // Pinned, because timings and memory figures quote a seed.
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(first))),
            "867d98ffe9b4cc9983b2f40820eb402d90a43227f46bc34f067b9b403ed96169");
}

TEST(RandomCheckpoint, CancelLeavesNothing) {
  TestFolder folder;
  RandomCheckpointOptions options;
  ASSERT_TRUE(write_file_atomically(folder / "keys.tsv", kList).ok());
  auto stop = [&](std::uint64_t, std::uint64_t) { options.cancel.cancel(); };
  Status status =
      write_random_checkpoint(folder / "keys.tsv", folder / "out.safetensors", options, stop);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kCancelled);
  std::filesystem::remove(folder / "keys.tsv");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(RandomCheckpoint, RefusesDtypesWithoutValues) {
  TestFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "keys.tsv", "a\tF8_E4M3\t4\n").ok());
  Status status = write_random_checkpoint(folder / "keys.tsv", folder / "out");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kUnsupported);
}

TEST(KeyList, RefusesWhatIsNoList) {
  auto message = [](std::string_view text) {
    auto list = parse_key_list(text, "keys.tsv");
    return list.ok() ? std::string("parsed") : list.error().message();
  };
  EXPECT_EQ(message("a\tF32\t1,2\n"), "parsed");
  EXPECT_EQ(message("a\tF32\t"), "parsed");
  EXPECT_EQ(message("").find("keys.tsv: the list has no tensors"), 0u);
  EXPECT_EQ(message("a\tF32\t1\nb\tF33\t1\n").find("keys.tsv:2: wants a name, a dtype"), 0u);
  for (const char* sizes : {"x", "1,-2", "0", "1,,2", "1 ", "99999999999999999999"}) {
    EXPECT_EQ(message(std::string("a\tF32\t") + sizes).find("keys.tsv:1: wants sizes from 1"), 0u)
        << sizes;
  }
  EXPECT_NE(message("a\tF32\t1,1,1,1,1,1,1").find("at most 6"), std::string::npos);
  EXPECT_NE(message("a\tF32\t4294967296,4294967296").find("too large"), std::string::npos);
}

// The published SD 1.5 checkpoint (v1-5-pruned-emaonly) has a header of which the SHA-256 is known;
// its writer ended it with six spaces. The same list through our writer must give the same JSON.
TEST(KeyList, GivesTheHeaderOfThePublishedStableDiffusion15) {
  auto list = read_key_list(kKeys / "sd15_keys.tsv");
  ASSERT_TRUE(list.ok()) << list.error().message();
  std::string json = safetensors_header(*list, {{"format", "pt"}}).substr(8);
  json.erase(json.find_last_not_of(' ') + 1);
  json.append(6, ' ');
  EXPECT_EQ(json.size(), 156'444u);
  std::string digest = sha256_hex(json);
  EXPECT_EQ(digest.substr(0, 12) + "…" + digest.substr(59), "ed6e1a1f33ba…eae9e");
}

TEST(KeyList, ListsHaveThePublishedNumbersOfTensors) {
  const std::pair<const char*, std::size_t> lists[] = {
      {"sdxl_base", 2515}, {"sdxl_refiner", 1858}, {"sd15", 1145}, {"sd21", 1242}};
  for (auto [name, tensors] : lists) {
    auto list = read_key_list(kKeys / (std::string(name) + "_keys.tsv"));
    ASSERT_TRUE(list.ok()) << list.error().message();
    EXPECT_EQ(list->size(), tensors);
  }
}

// Data and unpadded header of SDXL as most published files have it, position_ids in F16:
// 6,938,040,682 bytes.
TEST(KeyList, GivesThePublishedSizeOfSdxl) {
  auto list = read_key_list(kKeys / "sdxl_base_keys.tsv");
  ASSERT_TRUE(list.ok());
  std::uint64_t bytes = 0;
  for (TensorDeclaration& tensor : *list) {
    if (tensor.dtype == DType::kI64) tensor.dtype = DType::kF16;
    bytes += tensor.bytes();
  }
  std::string header = safetensors_header(*list, {});
  EXPECT_EQ(header.size() % 8, 0u);
  std::uint64_t unpadded = header.find_last_not_of(' ') + 1;
  EXPECT_LE(unpadded + bytes, 6'938'040'682u);
  EXPECT_GE(header.size() + bytes, 6'938'040'682u);
}

}  // namespace
}  // namespace obscura::io
