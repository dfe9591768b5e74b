// Token merging on the CPU against the plain definitions. Its result is a choice: these tokens have
// no two likenesses so near one another that rounding decides.
#include "ir/token_merge.h"

#include <gtest/gtest.h>

#include <cstring>
#include <tuple>

#include "backend/backend.h"
#include "backend/graph_fixture.h"

namespace obscura::backend {
namespace {

// x merged, and spread again.
ir::Graph merge_and_spread(const test::RandomWeights& none, Shape x,
                           ir::MatchTokensOp::Options options) {
  ir::Builder builder("test", none);
  const ir::ValueId input = builder.input("x", {DType::kF32, x});
  const ir::ValueId places = ir::match_tokens(builder, input, options);
  const ir::ValueId few = ir::merge_tokens(builder, input, places, x[1] - options.merged);
  builder.output("y", ir::spread_tokens(builder, few, places));
  return std::move(builder).finish().value();
}

TEST(TokenMergeKernels, EqualThePlainDefinition) {
  auto device = create_device("cpu").value();
  for (auto [height, width, merged, channels] :
       {std::tuple(2, 2, 3, 1), {3, 5, 4, 7}, {8, 9, 40, 33}, {16, 12, 57, 40}}) {
    test::RandomWeights none;
    const Shape shape{2, height * width, channels};
    const ir::Graph graph = merge_and_spread(
        none, shape, {.height = height, .width = width, .merged = merged, .draw = 3});
    const ir::NamedTensors inputs = {{"x", test::random_tensor(shape, 5)}};
    const Tensor wanted = test::run_plain(graph, inputs, none).at("y");
    auto found = test::run_on(*device, graph, inputs, none);
    ASSERT_TRUE(found.ok()) << found.error().message();
    EXPECT_LT(test::relative_error(wanted, found->at("y")), 1e-6) << height << "x" << width;
  }
}

TEST(TokenMergeKernels, AnImagesBitsDoNotDependOnTheBatch) {
  auto device = create_device("cpu").value();
  test::RandomWeights none;
  const ir::MatchTokensOp::Options options{.height = 6, .width = 6, .merged = 14, .draw = 1};
  const Tensor both = test::random_tensor({2, 36, 20}, 9);
  auto run = [&](const Tensor& x) {
    return test::run_on(*device, merge_and_spread(none, x.shape(), options), {{"x", x}}, none)
        .value()
        .at("y");
  };
  const Tensor second = run(both).slice(1), alone = run(both.slice(1));
  EXPECT_EQ(std::memcmp(second.data(), alone.data(),
                        static_cast<std::size_t>(alone.elements()) * sizeof(float)),
            0);
}

}  // namespace
}  // namespace obscura::backend
