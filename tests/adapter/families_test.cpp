// Each family against its formula, written out over indices in double.
#include <gtest/gtest.h>

#include <algorithm>

#include "adapter/adapter_samples.h"

namespace obscura::adapter {
namespace {

using Matrix = std::vector<std::vector<double>>;

Matrix matrix(const SampleTensor& tensor, std::size_t rows) {
  std::size_t columns = tensor.values.size() / rows;
  Matrix result(rows, std::vector<double>(columns));
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) result[i][j] = tensor.values[i * columns + j];
  return result;
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result(a.size(), std::vector<double>(b[0].size(), 0.0));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b[0].size(); ++j)
      for (std::size_t k = 0; k < b.size(); ++k) result[i][j] += a[i][k] * b[k][j];
  return result;
}

Matrix transpose(const Matrix& a) {
  Matrix result(a[0].size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a[0].size(); ++j) result[j][i] = a[i][j];
  return result;
}

// (p, in, k) = sum over i, j of core (i, j, k) down (j, in) up (p, i), as a matrix of p rows.
Matrix tucker(const SampleTensor& core, const Matrix& up, const Matrix& down, std::size_t kernel) {
  std::size_t inputs = down[0].size(), rank = down.size();
  Matrix result(up.size(), std::vector<double>(inputs * kernel, 0.0));
  for (std::size_t p = 0; p < up.size(); ++p)
    for (std::size_t in = 0; in < inputs; ++in)
      for (std::size_t k = 0; k < kernel; ++k)
        for (std::size_t i = 0; i < rank; ++i)
          for (std::size_t j = 0; j < rank; ++j)
            result[p][in * kernel + k] +=
                core.values[(i * rank + j) * kernel + k] * down[j][in] * up[p][i];
  return result;
}

// Solves a x = b by Gauss with pivots.
Matrix solve(Matrix a, Matrix b) {
  std::size_t n = a.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t best = c;
    for (std::size_t r = c; r < n; ++r)
      if (std::abs(a[r][c]) > std::abs(a[best][c])) best = r;
    std::swap(a[c], a[best]);
    std::swap(b[c], b[best]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) continue;
      double f = a[r][c] / a[c][c];
      for (std::size_t i = 0; i < n; ++i) a[r][i] -= f * a[c][i];
      for (std::size_t i = 0; i < b[r].size(); ++i) b[r][i] -= f * b[c][i];
    }
  }
  for (std::size_t r = 0; r < n; ++r)
    for (double& value : b[r]) value /= a[r][r];
  return b;
}

// One module of a tiny U-Net. `wanted` is what is added to the weight at strength 1.
class Families : public ::testing::Test {
 protected:
  static constexpr const char* kModule = "input_blocks.1.0.in_layers.2";
  static constexpr std::size_t kOut = 12, kIn = 8, kKernel = 9;

  void SetUp() override { use(Shape{12, 8}); }
  void use(Shape shape) {
    weight_ = random_tensor(random_, shape);
    bias_ = random_tensor(random_, Shape{12});
  }
  std::string key(const std::string& suffix) const {
    return "lora_unet_input_blocks_1_0_in_layers_2." + suffix;
  }
  SampleTensor& put(const std::string& suffix, Shape shape) {
    return tensors_[key(suffix)] = random_tensor(random_, shape);
  }
  void put_number(const std::string& suffix, double value) {
    tensors_[key(suffix)] = number(value);
  }

  Result<std::vector<float>> adapted(double strength, const std::string& tensor = ".weight") {
    Sample sample(tensors_);
    Networks base{store_of({{std::string(kModule) + ".weight", weight_},
                            {std::string(kModule) + ".bias", bias_}}),
                  nullptr, nullptr};
    OBSCURA_ASSIGN(AdaptedNetworks result, adapt(sample.file, base, {.unet = strength}));
    EXPECT_TRUE(result.unmatched.empty()) << result.unmatched.front();
    return read(*result.networks.unet, kModule + tensor);
  }

  void expect_added(const Matrix& wanted, double strength = 0.7) {
    auto found = adapted(strength);
    ASSERT_TRUE(found.ok()) << found.error().message();
    double largest = 0, difference = 0;
    std::size_t columns = wanted[0].size();
    ASSERT_EQ(found->size(), wanted.size() * columns);
    for (std::size_t i = 0; i < found->size(); ++i) {
      double target = weight_.values[i] + strength * wanted[i / columns][i % columns];
      largest = std::max(largest, std::abs(target));
      difference = std::max(difference, std::abs(target - (*found)[i]));
    }
    EXPECT_LT(difference, 2e-6 * largest);
  }

  void expect_added_bias(const std::string& suffix) {
    SampleTensor difference = put(suffix, {12});
    auto found = adapted(0.5, ".bias");
    ASSERT_TRUE(found.ok()) << found.error().message();
    for (std::size_t i = 0; i < kOut; ++i)
      EXPECT_FLOAT_EQ((*found)[i], bias_.values[i] + 0.5f * difference.values[i]);
    tensors_.erase(key(suffix));
  }

  Matrix base() const { return matrix(weight_, kOut); }
  static Matrix minus(Matrix a, const Matrix& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      for (std::size_t j = 0; j < a[0].size(); ++j) a[i][j] -= b[i][j];
    return a;
  }
  static Matrix times(Matrix a, double factor) {
    for (auto& row : a)
      for (double& value : row) value *= factor;
    return a;
  }

  std::mt19937 random_{7};
  SampleTensor weight_, bias_;
  SampleTensors tensors_;
};

TEST_F(Families, LoraIsAlphaOverRankTimesUpDown) {
  Matrix up = matrix(put("lora_up.weight", {12, 3}), 12);
  Matrix down = matrix(put("lora_down.weight", {3, 8}), 3);
  expect_added(product(up, down));  // no alpha
  put_number("alpha", 1.5);
  expect_added(times(product(up, down), 0.5));
  expect_added(times(product(up, down), 0.5), -1.25);
  put_number("scale", 0.25);
  expect_added(times(product(up, down), 0.25));
}

TEST_F(Families, LoconFlattensTheKernel) {
  use(Shape{12, 8, 3, 3});
  Matrix up = matrix(put("lora_up.weight", {12, 3, 1, 1}), 12);
  Matrix down = matrix(put("lora_down.weight", {3, 8, 3, 3}), 3);
  put_number("alpha", 1);
  expect_added(times(product(up, down), 1.0 / 3));
}

TEST_F(Families, LoconWithATuckerCore) {
  use(Shape{12, 8, 3, 3});
  Matrix up = matrix(put("lora_up.weight", {12, 3, 1, 1}), 12);
  Matrix down = matrix(put("lora_down.weight", {3, 8, 1, 1}), 3);
  SampleTensor core = put("lora_mid.weight", {3, 3, 3, 3});
  put_number("alpha", 2);
  expect_added(times(tucker(core, up, down, kKernel), 2.0 / 3));
}

TEST_F(Families, LohaMultipliesTwoLowRankMatrices) {
  Matrix a1 = matrix(put("hada_w1_a", {12, 2}), 12), b1 = matrix(put("hada_w1_b", {2, 8}), 2);
  Matrix a2 = matrix(put("hada_w2_a", {12, 2}), 12), b2 = matrix(put("hada_w2_b", {2, 8}), 2);
  put_number("alpha", 1);
  Matrix wanted = product(a1, b1), second = product(a2, b2);
  for (std::size_t i = 0; i < kOut; ++i)
    for (std::size_t j = 0; j < kIn; ++j) wanted[i][j] *= 0.5 * second[i][j];
  expect_added(wanted);
}

TEST_F(Families, LohaWithTuckerCores) {
  use(Shape{12, 8, 3, 3});
  Matrix a1 = matrix(put("hada_w1_a", {2, 12}), 2), b1 = matrix(put("hada_w1_b", {2, 8}), 2);
  Matrix a2 = matrix(put("hada_w2_a", {2, 12}), 2), b2 = matrix(put("hada_w2_b", {2, 8}), 2);
  SampleTensor t1 = put("hada_t1", {2, 2, 3, 3}), t2 = put("hada_t2", {2, 2, 3, 3});
  Matrix wanted = tucker(t1, transpose(a1), b1, kKernel);
  Matrix second = tucker(t2, transpose(a2), b2, kKernel);
  for (std::size_t i = 0; i < kOut; ++i)
    for (std::size_t j = 0; j < kIn * kKernel; ++j) wanted[i][j] *= second[i][j];
  expect_added(wanted);
}

Matrix kronecker(const Matrix& a, const Matrix& b) {
  Matrix result(a.size() * b.size(), std::vector<double>(a[0].size() * b[0].size()));
  for (std::size_t i = 0; i < result.size(); ++i)
    for (std::size_t j = 0; j < result[0].size(); ++j)
      result[i][j] = a[i / b.size()][j / b[0].size()] * b[i % b.size()][j % b[0].size()];
  return result;
}

TEST_F(Families, LokrOfWholeMatricesIgnoresAlpha) {
  Matrix w1 = matrix(put("lokr_w1", {3, 2}), 3), w2 = matrix(put("lokr_w2", {4, 4}), 4);
  put_number("alpha", 0.01);
  expect_added(kronecker(w1, w2));
}

TEST_F(Families, LokrTakesTheRankOfItsSecondFactorElseOfItsFirst) {
  Matrix w1a = matrix(put("lokr_w1_a", {3, 2}), 3), w1b = matrix(put("lokr_w1_b", {2, 2}), 2);
  Matrix w2 = matrix(put("lokr_w2", {4, 4}), 4);
  put_number("alpha", 1);
  expect_added(times(kronecker(product(w1a, w1b), w2), 1.0 / 2));
  tensors_.erase(key("lokr_w2"));
  Matrix w2a = matrix(put("lokr_w2_a", {4, 3}), 4), w2b = matrix(put("lokr_w2_b", {3, 4}), 3);
  expect_added(times(kronecker(product(w1a, w1b), product(w2a, w2b)), 1.0 / 3));
}

TEST_F(Families, LokrOfAConvolutionWithATuckerCore) {
  use(Shape{12, 8, 3, 3});
  Matrix w1 = matrix(put("lokr_w1", {3, 2}), 3);
  Matrix w2a = matrix(put("lokr_w2_a", {2, 4}), 2), w2b = matrix(put("lokr_w2_b", {2, 4}), 2);
  SampleTensor core = put("lokr_t2", {2, 2, 3, 3});
  put_number("alpha", 1);
  Matrix w2 = tucker(core, transpose(w2a), w2b, kKernel);
  // kron over (out, in), the kernel untouched.
  Matrix wanted(kOut, std::vector<double>(kIn * kKernel));
  for (std::size_t o = 0; o < kOut; ++o)
    for (std::size_t i = 0; i < kIn; ++i)
      for (std::size_t k = 0; k < kKernel; ++k)
        wanted[o][i * kKernel + k] = 0.5 * w1[o / 4][i / 4] * w2[o % 4][i % 4 * kKernel + k];
  expect_added(wanted);
}

TEST_F(Families, DoraRenormalisesAlongTheAxisOfItsVector) {
  Matrix up = matrix(put("lora_up.weight", {12, 3}), 12);
  Matrix down = matrix(put("lora_down.weight", {3, 8}), 3);
  Matrix adapted = product(up, down);
  for (std::size_t i = 0; i < kOut; ++i)
    for (std::size_t j = 0; j < kIn; ++j) adapted[i][j] += base()[i][j];
  auto scaled = [&](const SampleTensor& magnitude, bool rows) {
    Matrix result = adapted;
    for (std::size_t i = 0; i < kOut; ++i)
      for (std::size_t j = 0; j < kIn; ++j) {
        double squares = 0;
        for (std::size_t k = 0; k < (rows ? kIn : kOut); ++k)
          squares += std::pow(rows ? adapted[i][k] : adapted[k][j], 2);
        result[i][j] *= magnitude.values[rows ? i : j] / std::sqrt(squares);
      }
    return minus(result, base());
  };
  expect_added(scaled(put("dora_scale", {12, 1}), true));
  expect_added(scaled(put("dora_scale", {1, 8}), false));
  tensors_.erase(key("dora_scale"));
  expect_added(scaled(put("lora_magnitude_vector", {12}), true));
}

TEST_F(Families, ChannelScalesOfIa3) {
  for (bool on_input : {false, true}) {
    Matrix wanted = base();
    SampleTensor scale = put("weight", on_input ? Shape{1, 8} : Shape{12, 1});
    put_number("on_input", on_input);
    for (std::size_t i = 0; i < kOut; ++i)
      for (std::size_t j = 0; j < kIn; ++j) wanted[i][j] *= scale.values[on_input ? j : i];
    expect_added(wanted);
  }
}

TEST_F(Families, GloraOfBothVersions) {
  Matrix a1 = matrix(put("a1.weight", {3, 8}), 3), a2 = matrix(put("a2.weight", {8, 3}), 8);
  Matrix b1 = matrix(put("b1.weight", {3, 8}), 3), b2 = matrix(put("b2.weight", {12, 3}), 12);
  put_number("alpha", 1);
  auto sum = [&](const Matrix& right, const Matrix& added) {
    return times(minus(product(base(), right), times(added, -1)), 1.0 / 3);
  };
  expect_added(sum(product(a2, a1), product(b2, b1)));
  a1 = matrix(put("a1.weight", {8, 3}), 8), a2 = matrix(put("a2.weight", {3, 8}), 3);
  b1 = matrix(put("b1.weight", {12, 3}), 12), b2 = matrix(put("b2.weight", {3, 8}), 3);
  expect_added(sum(product(a1, a2), product(b1, b2)));
}

TEST_F(Families, GloraOfAConvolutionMixesInputChannels) {
  use(Shape{12, 8, 3, 3});
  Matrix a =
      product(matrix(put("a2.weight", {8, 3, 1, 1}), 8), matrix(put("a1.weight", {3, 8, 1, 1}), 3));
  Matrix b = product(matrix(put("b2.weight", {12, 3, 1, 1}), 12),
                     matrix(put("b1.weight", {3, 8, 3, 3}), 3));
  Matrix wanted = b;
  for (std::size_t o = 0; o < kOut; ++o)
    for (std::size_t j = 0; j < kIn; ++j)
      for (std::size_t k = 0; k < kKernel; ++k)
        for (std::size_t i = 0; i < kIn; ++i)
          wanted[o][j * kKernel + k] += base()[o][i * kKernel + k] * a[i][j];
  expect_added(wanted);
}

// (I + Q) (I - Q)^-1 with Q = blocks - its transpose, times `shrink`.
Matrix rotation(const SampleTensor& blocks, std::size_t block, std::size_t n, double shrink) {
  Matrix plus(n, std::vector<double>(n)), minus = plus;
  const float* b = blocks.values.data() + block * n * n;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double q = shrink * (static_cast<double>(b[i * n + j]) - b[j * n + i]);
      plus[i][j] = (i == j) + q;
      minus[i][j] = (i == j) - q;
    }
  // (I + Q) (I - Q)^-1 = ((I - Q)^-T (I + Q)^T)^T
  return transpose(solve(transpose(minus), transpose(plus)));
}

TEST_F(Families, OftRotatesBlocksOfRows) {
  SampleTensor blocks = put("oft_blocks", {3, 4, 4});
  auto wanted = [&](double shrink) {
    Matrix w = base(), result = w;
    for (std::size_t k = 0; k < 3; ++k) {
      Matrix r = rotation(blocks, k, 4, shrink);
      for (std::size_t m = 0; m < 4; ++m)
        for (std::size_t j = 0; j < kIn; ++j) {
          result[k * 4 + m][j] = 0;
          for (std::size_t n = 0; n < 4; ++n) result[k * 4 + m][j] += r[n][m] * w[k * 4 + n][j];
        }
    }
    return result;
  };
  expect_added(minus(wanted(1), base()));
  // The norm of all Q is held to alpha times the outputs.
  double squares = 0;
  for (std::size_t i = 0; i < 48; ++i) {
    std::size_t k = i / 16, r = i / 4 % 4, c = i % 4;
    squares += std::pow(blocks.values[i] - blocks.values[k * 16 + c * 4 + r], 2);
  }
  put_number("alpha", 0.1);
  expect_added(minus(wanted(1.2 / std::sqrt(squares)), base()));
  SampleTensor rescale = put("rescale", {12, 1});
  Matrix scaled = wanted(1.2 / std::sqrt(squares));
  for (std::size_t i = 0; i < kOut; ++i)
    for (double& value : scaled[i]) value *= rescale.values[i];
  expect_added(minus(scaled, base()));
}

TEST_F(Families, BoftRotatesButterflies) {
  use(Shape{16, 8});
  SampleTensor blocks = put("oft_blocks", {2, 4, 4, 4});
  Matrix w = matrix(weight_, 16), now = w;
  for (std::size_t stage = 0; stage < 2; ++stage) {
    std::size_t half = 2u << stage;
    // Rows (c, g, k) to (c, k, g), blocks of four rotated, and back.
    auto place = [&](std::size_t c, std::size_t g, std::size_t k) {
      return std::pair{(c * 2 + g) * half + k, (c * half + k) * 2 + g};
    };
    Matrix moved = now, turned = now;
    for (std::size_t c = 0; c < 8 / half; ++c)
      for (std::size_t g = 0; g < 2; ++g)
        for (std::size_t k = 0; k < half; ++k) {
          auto [from, to] = place(c, g, k);
          moved[to] = now[from];
        }
    for (std::size_t d = 0; d < 4; ++d) {
      Matrix r = rotation(blocks, stage * 4 + d, 4, 1);
      for (std::size_t i = 0; i < 4; ++i)
        for (std::size_t j = 0; j < kIn; ++j) {
          turned[d * 4 + i][j] = 0;
          for (std::size_t n = 0; n < 4; ++n) turned[d * 4 + i][j] += r[i][n] * moved[d * 4 + n][j];
        }
    }
    for (std::size_t c = 0; c < 8 / half; ++c)
      for (std::size_t g = 0; g < 2; ++g)
        for (std::size_t k = 0; k < half; ++k) {
          auto [from, to] = place(c, g, k);
          now[from] = turned[to];
        }
  }
  expect_added(minus(now, w));
}

TEST_F(Families, DifferencesAndReplacements) {
  expect_added_bias("diff_b");
  expect_added_bias("b_norm");
  expect_added(matrix(put("diff", {12, 8}), 12));
  tensors_.clear();
  expect_added(matrix(put("w_norm", {12, 8}), 12));
  tensors_.clear();
  SampleTensor replacement = put("set_weight", {12, 8});
  EXPECT_EQ(adapted(0.3).value(), replacement.values);
}

}  // namespace
}  // namespace obscura::adapter
