#include "tensor/random.h"

#include <gtest/gtest.h>

#include <charconv>
#include <chrono>
#include <cstring>
#include <numeric>

#include "golden_data.h"

namespace obscura {
namespace {

constexpr double kRandnTolerance = 3e-6;  // what separates PyTorch's own scalar and vector code

const io::SafetensorsFile& noise_file() {
  static const auto file = io::SafetensorsFile::open(golden::path("noise.safetensors")).value();
  return file;
}

std::vector<double> doubles(const io::TensorEntry& entry) {
  std::vector<double> values(static_cast<std::size_t>(entry.shape.elements()));
  std::memcpy(values.data(), entry.bytes.data(), entry.bytes.size());
  return values;
}

std::uint64_t number_after(std::string_view text, std::string_view marker) {
  std::uint64_t number = 0;
  std::size_t start = text.find(marker) + marker.size();
  std::from_chars(text.data() + start, text.data() + text.size(), number);
  return number;
}

// Runs `check` on every golden whose name starts with `prefix`; there must be `expected` of them.
template <class Check>
void for_each_golden(std::string_view prefix, int expected, const Check& check) {
  int count = 0;
  for (const io::TensorEntry& entry : noise_file().entries()) {
    if (!entry.name.starts_with(prefix)) continue;
    SCOPED_TRACE(entry.name);
    check(entry);
    ++count;
  }
  EXPECT_EQ(count, expected);
}

TEST(TorchGenerator, RandnEqualsPyTorch) {
  for_each_golden("randn.seed", 36, [](const io::TensorEntry& entry) {
    TorchGenerator generator(number_after(entry.name, ".seed"));
    if (entry.name.find("128x128") == std::string::npos) {
      EXPECT_LE(golden::max_difference(generator.randn(entry.shape), golden::tensor(entry)),
                kRandnTolerance);
      return;
    }
    Tensor drawn = generator.randn({1, 4, 128, 128});
    std::span<const float> values = std::as_const(drawn).values();
    if (entry.name.ends_with("mean_std")) {
      double count = static_cast<double>(values.size()), mean = 0, squares = 0;
      for (float value : values) mean += value / count;
      for (float value : values) squares += (value - mean) * (value - mean);
      EXPECT_NEAR(mean, doubles(entry)[0], 1e-7);
      EXPECT_NEAR(std::sqrt(squares / (count - 1)), doubles(entry)[1], 1e-7);
      return;
    }
    Tensor expected = golden::tensor(entry);
    auto part = entry.name.ends_with("first64") ? values.first(64) : values.last(64);
    EXPECT_LE(golden::max_difference(part, std::as_const(expected).values()), kRandnTolerance);
  });
}

TEST(TorchGenerator, ShortDrawsUseDoublePairs) {
  for_each_golden("randn.small.", 27, [](const io::TensorEntry& entry) {
    TorchGenerator generator(42);
    double tolerance = entry.shape.elements() < 16 ? 0 : kRandnTolerance;
    EXPECT_LE(golden::max_difference(generator.randn(entry.shape), golden::tensor(entry)),
              tolerance);
  });
}

TEST(TorchGenerator, UniformNumbersAreExact) {
  for_each_golden("rand.seed", 18, [](const io::TensorEntry& entry) {
    TorchGenerator generator(number_after(entry.name, ".seed"));
    Tensor drawn(entry.shape);
    generator.rand(drawn.values());
    EXPECT_EQ(golden::max_difference(drawn, golden::tensor(entry)), 0);
  });
  for_each_golden("randint31.", 6, [](const io::TensorEntry& entry) {
    TorchGenerator generator(number_after(entry.name, ".seed"));
    std::vector<std::int64_t> drawn(16);
    generator.randint31(drawn);
    EXPECT_EQ(std::memcmp(drawn.data(), entry.bytes.data(), entry.bytes.size()), 0);
  });
}

TEST(TorchGenerator, Float64) {
  auto check = [](const io::TensorEntry& entry) {
    TorchGenerator generator(42);
    std::vector<double> drawn(static_cast<std::size_t>(entry.shape.elements())),
        expected = doubles(entry);
    entry.name.starts_with("randn") ? generator.randn(std::span(drawn))
                                    : generator.rand(std::span(drawn));
    EXPECT_LE(golden::max_difference(std::span(drawn), std::span(expected)), 1e-14);
  };
  for_each_golden("randn.f64.", 2, check);
  for_each_golden("rand.f64.", 1, check);
}

TEST(TorchGenerator, MixedDrawsOnOneStream) {
  TorchGenerator generator(42);
  std::vector<std::string> names;
  for (const io::TensorEntry& entry : noise_file().entries()) {
    if (entry.name.starts_with("seq.seed42.")) names.push_back(entry.name);
  }
  std::sort(names.begin(), names.end());
  ASSERT_EQ(names.size(), 10u);
  for (const std::string& name : names) {
    SCOPED_TRACE(name);
    Tensor expected = golden::tensor(noise_file(), name);
    Tensor drawn(expected.shape());
    name.find(".randn.") != name.npos ? generator.randn(drawn.values())
                                      : generator.rand(drawn.values());
    EXPECT_LE(golden::max_difference(drawn, expected), kRandnTolerance);
  }
}

TEST(TorchGenerator, SuccessiveLatents) {
  TorchGenerator generator(42);
  for (const char* name : {"seq.latent.seed42.0", "seq.latent.seed42.1", "seq.latent.seed42.2"}) {
    Tensor drawn = generator.randn({1, 4, 8, 8});
    EXPECT_LE(golden::max_difference(drawn, golden::tensor(noise_file(), name)), kRandnTolerance);
  }
}

TEST(TorchGenerator, ComparisonSeesAWrongNumber) {
  Tensor expected = golden::tensor(noise_file(), "randn.seed42.1x4x8x8");
  Tensor planted = TorchGenerator(42).randn({1, 4, 8, 8});
  planted.values()[77] += 1e-5f;
  EXPECT_GT(golden::max_difference(planted, expected), kRandnTolerance);
  planted.values()[77] = std::nanf("");
  EXPECT_GT(golden::max_difference(planted, expected), kRandnTolerance);
  EXPECT_GT(golden::max_difference(TorchGenerator(43).randn({1, 4, 8, 8}), expected), 0.1);
}

TEST(TorchGenerator, ALatentTakesMilliseconds) {
  TorchGenerator generator(1);
  Tensor latent({1, 4, 128, 128});
  auto best = std::chrono::nanoseconds::max();
  for (int repeat = 0; repeat < 20; ++repeat) {
    auto start = std::chrono::steady_clock::now();
    generator.randn(latent.values());
    best = std::min(best, std::chrono::duration_cast<std::chrono::nanoseconds>(
                              std::chrono::steady_clock::now() - start));
  }
  RecordProperty("microseconds", static_cast<int>(best.count() / 1000));
  EXPECT_LT(best, std::chrono::milliseconds(5));
}

}  // namespace
}  // namespace obscura
