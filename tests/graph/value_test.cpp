#include "graph/value.h"

#include <gtest/gtest.h>

namespace obscura::graph {
namespace {

struct Model {
  int layers = 0;
};
struct Image {
  std::size_t value_bytes() const { return 1'000'000; }
};

TEST(SocketTypes, FitByNameUnionAndWildcard) {
  EXPECT_TRUE(socket_types_fit("IMAGE", "IMAGE"));
  EXPECT_FALSE(socket_types_fit("IMAGE", "MASK"));
  EXPECT_TRUE(socket_types_fit("MASK", "IMAGE, MASK"));
  EXPECT_TRUE(socket_types_fit("IMAGE,LATENT", "LATENT,MASK"));
  EXPECT_FALSE(socket_types_fit("IMAGE,LATENT", "MODEL,MASK"));
  EXPECT_TRUE(socket_types_fit("*", "MODEL"));
  EXPECT_TRUE(socket_types_fit("MODEL", "*"));
  EXPECT_TRUE(socket_types_fit("STRING", "COMBO"));
  EXPECT_FALSE(socket_types_fit("INT", "FLOAT"));
  EXPECT_FALSE(socket_types_fit("", ""));
}

TEST(Value, KeepsTheWholeRangeOfSeeds) {
  const Value seed = Value::integer(18446744073709551615u);
  EXPECT_EQ(seed.get<std::uint64_t>(), 18446744073709551615u);
  EXPECT_FALSE(seed.holds<std::int64_t>());
  EXPECT_FALSE(Value::integer(-1).holds<std::uint64_t>());
  EXPECT_EQ(Value::integer(-1).get<int>(), -1);
  EXPECT_FALSE(Value::integer(300).holds<std::uint8_t>());
  EXPECT_EQ(Value::integer(7).get<double>(), 7.0);
  EXPECT_FALSE(Value::number(7.0).holds<int>());
  EXPECT_FALSE(Value::boolean(true).holds<int>());
}

TEST(Value, HandlesKnowTheirTypeAndBytes) {
  auto model = std::make_shared<const Model>(Model{12});
  const Value value = Value::handle("MODEL", model);
  EXPECT_EQ(value.get<Model>().layers, 12);
  EXPECT_EQ(value.share<Model>(), model);
  EXPECT_EQ(value.identity(), model.get());
  EXPECT_EQ(value.bytes(), sizeof(Model));
  EXPECT_EQ(Value::handle("IMAGE", Image{}).bytes(), 1'000'000u);
  EXPECT_FALSE(value.holds<Image>());
  EXPECT_THROW(static_cast<void>(value.get<Image>()), InternalError);
  EXPECT_THROW(static_cast<void>(value.get<int>()), InternalError);
  EXPECT_THROW(static_cast<void>(value.share<Image>()), InternalError);
  EXPECT_THROW(Value::handle("MODEL", std::shared_ptr<const Model>()), InternalError);
}

TEST(Value, DescribesItselfBriefly) {
  EXPECT_EQ(Value::handle("MODEL", Model{}).describe(), "a MODEL");
  EXPECT_EQ(Value::string("abc").describe(), "\"abc\"");
  EXPECT_EQ(Value::blocker("why").describe(), "a blocker");
  EXPECT_LT(Value::string(std::string(10'000, 'x')).describe().size(), 70u);
}

}  // namespace
}  // namespace obscura::graph
