// The launchers that no op reaches with every type and size: conversions of stored weights,
// layouts, images around a convolution, softmax of long rows, the search for what is not finite.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cuda/e4m3.h"
#include "backend/cuda/kernels/auxiliary.h"
#include "backend/cuda/kernels/quantise.h"
#include "backend/graph_fixture.h"
#include "ir/activation.h"

namespace obscura::backend::cuda {
namespace {

// Host bytes in device memory, and back.
class OnDevice {
 public:
  explicit OnDevice(std::size_t bytes) : bytes_(bytes) {
    EXPECT_EQ(cudaMalloc(&data_, bytes), cudaSuccess);
    EXPECT_EQ(cudaMemset(data_, 0xff, bytes), cudaSuccess);  // NaN in every type
  }
  template <class T>
  explicit OnDevice(const std::vector<T>& source) : OnDevice(source.size() * sizeof(T)) {
    EXPECT_EQ(cudaMemcpy(data_, source.data(), bytes_, cudaMemcpyHostToDevice), cudaSuccess);
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;
  ~OnDevice() { cudaFree(data_); }

  void* data() const { return data_; }
  template <class T>
  std::vector<T> read() const {
    std::vector<T> result(bytes_ / sizeof(T));
    EXPECT_EQ(cudaMemcpy(result.data(), data_, bytes_, cudaMemcpyDeviceToHost), cudaSuccess);
    return result;
  }

 private:
  std::size_t bytes_;
  void* data_ = nullptr;
};

class CudaKernels : public ::testing::Test {
 protected:
  void SetUp() override {
    int devices = 0;
    if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0)
      GTEST_SKIP() << "no CUDA device here";
  }
};

std::vector<float> random_floats(std::int64_t count, unsigned seed) {
  Tensor tensor = test::random_tensor({count}, seed);
  auto values = std::as_const(tensor).values();
  return {values.begin(), values.end()};
}

float rounded(DType dtype, float x) {
  if (dtype == DType::kF16) return f16_to_f32(f32_to_f16(x));
  return dtype == DType::kBF16 ? bf16_to_f32(f32_to_bf16(x)) : x;
}

std::vector<float> widened(DType dtype, const std::vector<std::byte>& bytes) {
  std::vector<float> values(bytes.size() / size_of(dtype));
  widen_to_f32(dtype, bytes.data(), values.data(), values.size());
  return values;
}

// Every bit pattern of the narrow types, random numbers of the wide ones.
std::vector<std::byte> samples_of(DType dtype) {
  std::vector<std::byte> bytes;
  auto append = [&](auto value) {
    const auto* begin = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), begin, begin + sizeof(value));
  };
  if (size_of(dtype) == 1)
    for (int i = 0; i < 256; ++i) append(static_cast<std::uint8_t>(i));
  if (size_of(dtype) == 2)
    for (int i = 0; i < 65536; ++i) append(static_cast<std::uint16_t>(i));
  for (float x : random_floats(4096, 3)) {
    if (dtype == DType::kF32) append(x);
    if (dtype == DType::kF64) append(static_cast<double>(x) * 1.000000119);
  }
  return bytes;
}

TEST_F(CudaKernels, ConvertsEveryTypeAsTheHostDoes) {
  for (DType from :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kF64, DType::kF8E4M3, DType::kF8E5M2}) {
    std::vector<std::byte> source = samples_of(from);
    for (DType to : {DType::kF32, DType::kF16, DType::kBF16}) {
      for (std::size_t dropped : {0, 1}) {  // an odd count goes element by element
        std::vector<std::byte> part(source.begin(),
                                    source.end() - static_cast<long>(dropped * size_of(from)));
        std::vector<float> wanted = widened(from, part);
        OnDevice x(part), y(wanted.size() * size_of(to));
        ASSERT_EQ(convert(from, x.data(), to, y.data(), static_cast<std::int64_t>(wanted.size()),
                          nullptr),
                  cudaSuccess);
        std::vector<float> found = widened(to, y.read<std::byte>());
        for (std::size_t i = 0; i < wanted.size(); ++i) {
          float w = rounded(to, wanted[i]);
          if (std::isnan(w) && std::isnan(found[i])) continue;
          ASSERT_EQ(found[i], w) << name_of(from) << " to " << name_of(to) << ", element " << i;
        }
      }
    }
  }
}

TEST_F(CudaKernels, OrdersFilters) {
  constexpr std::int64_t kOut = 5, kIn = 37, kPixels = 9, kPadded = 40;
  std::vector<float> filter = random_floats(kOut * kIn * kPixels, 1);
  OnDevice x(filter), y(kOut * kPixels * kPadded * sizeof(float));
  ASSERT_EQ(filter_to_channels_last(Element::kF32, x.data(), y.data(), kOut, kIn, kPixels, kPadded,
                                    nullptr),
            cudaSuccess);
  std::vector<float> found = y.read<float>();
  for (std::int64_t o = 0; o < kOut; ++o) {
    for (std::int64_t p = 0; p < kPixels; ++p) {
      for (std::int64_t c = 0; c < kPadded; ++c) {
        float wanted =
            c < kIn ? filter[static_cast<std::size_t>((o * kIn + c) * kPixels + p)] : 0.0f;
        ASSERT_EQ(found[static_cast<std::size_t>((o * kPixels + p) * kPadded + c)], wanted);
      }
    }
  }
}

// Two heads of five queries: scores, and a mask of each head and query.
struct Rows {
  static constexpr std::int64_t kRows = 10, kRowsPerHead = 5;

  Rows(std::int64_t column_count, bool is_causal, std::int64_t first)
      : columns(column_count),
        causal(is_causal),
        first_row(first),
        scores(random_floats(kRows * columns, 7)),
        added(random_floats(kRows * columns, 8)) {
    for (float& s : scores) s *= 20;
    for (std::size_t i = 0; i < added.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i) / columns;
      if (i % 3 == 0 || row == 2) added[i] = -INFINITY;
      seen.push_back(added[i] == -INFINITY ? 0 : 1);
    }
  }
  SoftmaxRows on_device(const OnDevice& x) const {
    SoftmaxRows rows;
    rows.scores = static_cast<const float*>(x.data());
    rows.rows = kRows;
    rows.columns = columns;
    rows.scale = 0.3f;
    rows.causal = causal;
    rows.first_row = first_row;
    rows.rows_per_head = kRowsPerHead;
    return rows;
  }
  // `mask` of every row, added to its scaled scores.
  void expect_softmax(const std::vector<float>& mask, const std::vector<float>& found) const {
    for (std::int64_t r = 0; r < kRows; ++r) {
      const std::int64_t visible =
          causal ? std::min(columns, first_row + r % kRowsPerHead + 1) : columns;
      std::vector<double> wanted(static_cast<std::size_t>(columns), 0);
      double sum = 0;
      for (std::int64_t c = 0; c < visible; ++c) {
        const auto i = static_cast<std::size_t>(r * columns + c);
        // The largest is about 30: no exponential is infinite.
        sum += wanted[static_cast<std::size_t>(c)] = std::exp(0.3 * scores[i] + mask[i]);
      }
      for (std::int64_t c = 0; c < columns; ++c) {
        const double p = sum == 0 ? 0 : wanted[static_cast<std::size_t>(c)] / sum;
        ASSERT_NEAR(found[static_cast<std::size_t>(r * columns + c)], p, 1e-6 + 1e-5 * p)
            << columns << " columns, row " << r << ", column " << c;
      }
    }
  }

  std::int64_t columns;
  bool causal;
  std::int64_t first_row;
  std::vector<float> scores, added;
  std::vector<std::int32_t> seen;
};

TEST_F(CudaKernels, SoftmaxOfRowsOfAnyLength) {
  for (std::int64_t columns : {1, 77, 128, 129, 1024, 4096, 4097, 9000}) {
    for (bool causal : {false, true}) {
      const Rows rows(columns, causal, causal ? columns - std::min<std::int64_t>(columns, 3) : 0);
      OnDevice x(rows.scores), y(rows.scores.size() * sizeof(float));
      ASSERT_EQ(softmax_rows(Element::kF32, rows.on_device(x), y.data(), nullptr), cudaSuccess);
      rows.expect_softmax(std::vector<float>(rows.scores.size(), 0), y.read<float>());
    }
  }
}

TEST_F(CudaKernels, SoftmaxOfMaskedRows) {
  for (std::int64_t columns : {1, 77, 129, 1025, 4097}) {
    for (bool causal : {false, true}) {
      const Rows rows(columns, causal, causal ? 70 : 0);
      // A mask has rows for all queries of a head; those before the first are not read.
      const std::int64_t queries = rows.first_row + Rows::kRowsPerHead;
      auto whole = [&](const auto& mask) {
        auto result = mask;
        result.resize(static_cast<std::size_t>(2 * queries * columns));
        for (std::int64_t head = 0; head < 2; ++head)
          std::copy_n(mask.begin() + head * Rows::kRowsPerHead * columns,
                      Rows::kRowsPerHead * columns,
                      result.begin() + (head * queries + rows.first_row) * columns);
        return result;
      };
      OnDevice x(rows.scores), y(rows.scores.size() * sizeof(float)), numbers(whole(rows.added)),
          flags(whole(rows.seen));
      SoftmaxRows masked = rows.on_device(x);
      masked.mask_query_stride = columns;
      masked.mask_head_stride = queries * columns;
      masked.mask = numbers.data();
      masked.mask_adds = true;
      ASSERT_EQ(softmax_rows(Element::kF32, masked, y.data(), nullptr), cudaSuccess);
      rows.expect_softmax(rows.added, y.read<float>());
      masked.mask = flags.data();
      masked.mask_adds = false;
      ASSERT_EQ(softmax_rows(Element::kF32, masked, y.data(), nullptr), cudaSuccess);
      std::vector<float> hidden = rows.added;
      for (float& number : hidden)
        if (number != -INFINITY) number = 0;
      rows.expect_softmax(hidden, y.read<float>());
    }
  }
}

TEST_F(CudaKernels, FindsOneBadElementAnywhere) {
  for (std::int64_t count : {1, 7, 8, 4096, 1'000'003}) {
    for (std::int64_t at : {std::int64_t{-1}, std::int64_t{0}, count / 2, count - 1}) {
      for (float bad : {NAN, INFINITY, -INFINITY}) {
        std::vector<std::uint16_t> x(static_cast<std::size_t>(count), f32_to_f16(65504));
        if (at >= 0) x[static_cast<std::size_t>(at)] = f32_to_f16(bad);
        OnDevice device(x), flag(std::vector<std::int32_t>{0});
        ASSERT_EQ(find_non_finite(Element::kF16, device.data(), count,
                                  static_cast<std::int32_t*>(flag.data()), nullptr),
                  cudaSuccess);
        EXPECT_EQ(flag.read<std::int32_t>()[0], at >= 0 ? 1 : 0) << count << " elements, at " << at;
      }
    }
  }
}

struct Image {
  std::int64_t samples, height, width, channels, padded;
  bool scaled, silu, upsample;
};

void expect_prepared(const Image& m) {
  std::int64_t pixels = m.height * m.width, scale = m.upsample ? 2 : 1;
  std::vector<float> x = random_floats(m.samples * pixels * m.channels, 1);
  std::vector<float> scale_shift = random_floats(m.samples * 2 * m.channels, 2);
  std::int64_t results = m.samples * pixels * scale * scale * m.padded;
  OnDevice device(x), scales(scale_shift), y(static_cast<std::size_t>(results) * sizeof(float));
  ASSERT_EQ(prepare_image(Element::kF32, device.data(),
                          m.scaled ? static_cast<const float*>(scales.data()) : nullptr, m.silu,
                          m.upsample, y.data(), m.samples, m.height, m.width, m.channels, m.padded,
                          nullptr),
            cudaSuccess);
  std::vector<float> found = y.read<float>();
  for (std::int64_t i = 0; i < results; ++i) {
    std::int64_t c = i % m.padded, pixel = i / m.padded;
    std::int64_t column = pixel % (m.width * scale) / scale,
                 row = pixel / (m.width * scale) % (m.height * scale) / scale,
                 n = pixel / (pixels * scale * scale);
    double wanted = 0;
    if (c < m.channels) {
      wanted = x[static_cast<std::size_t>((n * pixels + row * m.width + column) * m.channels + c)];
      const float* factors = scale_shift.data() + n * 2 * m.channels + c;
      if (m.scaled) wanted = wanted * factors[0] + factors[m.channels];
      if (m.silu) wanted = ir::activate(ir::Activation::kSilu, wanted);
    }
    ASSERT_NEAR(found[static_cast<std::size_t>(i)], wanted, 3e-6) << "element " << i;
  }
}

TEST_F(CudaKernels, PreparesImagesForConvolution) {
  expect_prepared({2, 5, 3, 8, 8, true, true, false});
  expect_prepared({2, 5, 3, 8, 8, true, false, true});
  expect_prepared({1, 4, 7, 4, 8, false, false, false});
  expect_prepared({2, 3, 5, 9, 16, true, true, true});
  expect_prepared({1, 40, 40, 64, 64, false, true, false});
}

TEST_F(CudaKernels, FinishesWhatAConvolutionLeft) {
  constexpr std::int64_t kSamples = 2, kPixels = 35;
  for (auto [channels, stride] : {std::pair<std::int64_t, std::int64_t>{3, 8}, {16, 16}, {8, 24}}) {
    std::int64_t count = kSamples * kPixels * channels;
    std::vector<float> y = random_floats(kSamples * kPixels * stride, 1),
                       bias = random_floats(channels, 2),
                       add = random_floats(kSamples * channels, 3),
                       residual = random_floats(count, 4);
    OnDevice dy(y), dbias(bias), dadd(add), dresidual(residual),
        target(static_cast<std::size_t>(count) * sizeof(float)),
        combined(static_cast<std::size_t>(kSamples * channels) * sizeof(float));
    ASSERT_EQ(finish_image(Element::kF32, dy.data(), stride, dbias.data(), dadd.data(),
                           dresidual.data(), target.data(), kSamples, kPixels, channels, nullptr),
              cudaSuccess);
    ASSERT_EQ(combine_bias(Element::kF32, dbias.data(), dadd.data(), combined.data(), kSamples,
                           channels, nullptr),
              cudaSuccess);
    std::vector<float> found = target.read<float>(), sums = combined.read<float>();
    for (std::int64_t i = 0; i < count; ++i) {
      std::int64_t c = i % channels, pixel = i / channels, n = pixel / kPixels;
      auto at = [](const std::vector<float>& v, std::int64_t j) {
        return v[static_cast<std::size_t>(j)];
      };
      float both = at(bias, c) + at(add, n * channels + c);
      ASSERT_EQ(at(sums, n * channels + c), both);
      ASSERT_NEAR(at(found, i), at(y, pixel * stride + c) + both + at(residual, i), 2e-6)
          << channels << " channels, element " << i;
    }
  }
}

TEST_F(CudaKernels, RoundsRowsToE4M3) {
  for (std::int64_t width : {1, 37, 320, 5120}) {
    constexpr std::int64_t kRows = 5;
    std::vector<float> x = random_floats(kRows * width, 1);
    std::fill_n(x.begin() + width, width, 0.0f);
    for (std::int64_t i = 0; i < width; ++i) x[static_cast<std::size_t>(2 * width + i)] *= 1e-6f;
    OnDevice source(x), q(x.size()), scales(kRows * sizeof(float));
    ASSERT_EQ(quantise_rows(Element::kF32, source.data(), q.data(),
                            static_cast<float*>(scales.data()), kRows, width, nullptr),
              cudaSuccess);
    std::vector<std::byte> codes = q.read<std::byte>();
    std::vector<float> found_scales = scales.read<float>(), values(x.size());
    widen_to_f32(DType::kF8E4M3, codes.data(), values.data(), values.size());
    for (std::int64_t row = 0; row < kRows; ++row) {
      std::span<const float> elements(x.data() + row * width, static_cast<std::size_t>(width));
      float scale = test::e4m3_scale(elements);
      ASSERT_EQ(found_scales[static_cast<std::size_t>(row)], scale);
      for (std::int64_t i = 0; i < width; ++i)
        ASSERT_EQ(values[static_cast<std::size_t>(row * width + i)],
                  test::to_e4m3(elements[static_cast<std::size_t>(i)] / scale))
            << "row " << row << " of width " << width << ", element " << i;
    }
  }
}

}  // namespace
}  // namespace obscura::backend::cuda
