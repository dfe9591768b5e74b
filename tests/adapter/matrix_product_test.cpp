#include "adapter/matrix_product.h"

#include <gtest/gtest.h>

#include <array>

#include "adapter/adapter_samples.h"

namespace obscura::adapter {
namespace {

// Large enough for several threads, tiles and both kinds of tail.
TEST(MatrixProduct, AgreesWithTheDefinition) {
  std::mt19937 random(3);
  for (auto [rows, columns, inner] :
       {std::array{301, 77, 16}, {6, 16, 1}, {1, 1, 5}, {97, 50, 0}}) {
    SampleTensor a = random_tensor(random, Shape{rows, inner});
    SampleTensor b = random_tensor(random, Shape{inner, columns});
    SampleTensor c = random_tensor(random, Shape{rows, columns}), found = c;
    add_product(rows, columns, inner, 0.5f, a.values.data(), b.values.data(), found.values.data());
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j) {
        auto at = static_cast<std::size_t>(i * columns + j);
        double wanted = c.values[at];
        for (int k = 0; k < inner; ++k)
          wanted += 0.5 * a.values[static_cast<std::size_t>(i * inner + k)] *
                    b.values[static_cast<std::size_t>(k * columns + j)];
        ASSERT_NEAR(found.values[at], wanted, 1e-5);
      }
  }
}

}  // namespace
}  // namespace obscura::adapter
