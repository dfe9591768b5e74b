// The table of kinds, and a kind that only this program knows: a description is all that it takes.
#include "checkpoint/network_kind.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "checkpoint/kinds/known_by_sight.h"
#include "checkpoint/recognise.h"
#include "nn/linear.h"
#include "nn/scope.h"

namespace obscura::checkpoint {
namespace {

extern const NetworkKind kScorer, kPalette;

Result<ir::Graph> build_scorer(const Component& network, const CheckpointLayout&,
                               const InputShapes& inputs) {
  ir::Builder builder("scorer", network);
  const nn::Scope root(builder);
  auto given = inputs.find("state");
  const std::int64_t batch = given == inputs.end() ? 1 : given->second[0];
  ir::ValueId state =
      builder.input("state", {DType::kF32, Shape{batch, root.size("score.weight", 1)}});
  builder.output("score", nn::linear(root / "score", state));
  return std::move(builder).finish();
}

const NetworkKind kScorer{
    .id = "test scorer",
    .order = 1000,
    .folder = {"test_scorers", {"Scorer"}},
    .describe = [](const TensorNames&) { return std::string("a scorer"); },
    .find = [](const TensorNames& n) { return whole_file(kScorer, n, n.has("score.weight")); },
    .graphs = {{"", "state", build_scorer}},
};
const NetworkKind kPalette{
    .id = "test palette",
    .order = 1001,
    .folder = {"test_palettes"},
    .describe = [](const TensorNames&) { return std::string("a palette"); },
    .find = [](const TensorNames& n) { return whole_file(kPalette, n, n.has("palette")); },
};
const RegisterKind kScorerRegistered{kScorer}, kPaletteRegistered{kPalette};

std::vector<io::TensorEntry> scorer(Shape weight) {
  return {{"score.weight", DType::kF32, weight, {}}, {"score.bias", DType::kF32, Shape{1}, {}}};
}

TEST(NetworkKinds, AreInTheirOrderAndEachIsDescribed) {
  std::set<std::string_view> ids;
  int order = 0;
  for (const NetworkKind* kind : network_kinds()) {
    EXPECT_TRUE(ids.insert(kind->id).second) << kind->id;
    EXPECT_GE(kind->order, order) << kind->id;
    order = kind->order;
    ASSERT_NE(kind->find, nullptr) << kind->id;
    ASSERT_NE(kind->describe, nullptr) << kind->id;
    EXPECT_FALSE(kind->find(TensorNames({})).has_value()) << kind->id;
  }
}

TEST(NetworkKinds, OfANewDescriptionAreRecognisedAndBuilt) {
  const auto entries = scorer(Shape{1, 8});
  auto layout = recognise(entries, {});
  ASSERT_TRUE(layout.ok()) << layout.error().message();
  ASSERT_EQ(layout->components.size(), 1u);
  EXPECT_EQ(layout->components[0].kind(), kScorer);
  EXPECT_EQ(layout->title(), "test scorer");
  EXPECT_EQ(layout->family, nullptr);
  EXPECT_EQ(layout->tensors.used.size(), 2u);
}

TEST(NetworkKinds, AreCheckedByBuildingThem) {
  const auto entries = scorer(Shape{2, 8});  // two rows, one bias
  auto layout = recognise(entries, {});
  ASSERT_FALSE(layout.ok());
  EXPECT_NE(layout.error().message().find("test scorer"), std::string::npos)
      << layout.error().message();
}

TEST(NetworkKinds, KnownBySightAreSentToTheirFolder) {
  const std::vector<io::TensorEntry> entries = {{"palette", DType::kF32, Shape{4, 3}, {}}};
  auto layout = recognise(entries, {});
  ASSERT_FALSE(layout.ok());
  EXPECT_NE(layout.error().message().find("this is a palette"), std::string::npos);
  EXPECT_NE(layout.error().message().find("the folder test_palettes"), std::string::npos);
}

}  // namespace
}  // namespace obscura::checkpoint
