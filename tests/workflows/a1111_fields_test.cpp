// What AUTOMATIC1111's requests carry, field by field.
#include "workflows/a1111_fields.h"

#include <gtest/gtest.h>

namespace obscura::workflows {
namespace {

using nlohmann::ordered_json;

TEST(A1111Fields, TakesImagesInBase64Alone) {
  EXPECT_EQ(*a1111_image("data:image/png;base64,aGk="), "hi");
  EXPECT_EQ(*a1111_image("aGk"), "hi");
  for (const char* bad : {"http://127.0.0.1/a.png", "https://x/a.png", "a", "aG=k", "!!!!"})
    EXPECT_FALSE(a1111_image(bad).ok()) << bad;
}

TEST(A1111Fields, RemembersTheFirstThatIsNotOfItsType) {
  const ordered_json body = {{"steps", 2.5}, {"seed", "x"}, {"prompt", nullptr}, {"save", 1}};
  A1111Fields fields(body);
  EXPECT_EQ(fields.text("prompt", "otherwise"), "otherwise");
  EXPECT_TRUE(fields.flag("save"));
  EXPECT_TRUE(fields.status().ok());
  EXPECT_EQ(fields.whole("steps", 20, 1, 100), 20);
  EXPECT_EQ(fields.number("seed", -1, -1, 10), -1);
  EXPECT_EQ(fields.status().error().message(), "steps: wanted a whole number, found 2.5");
}

TEST(A1111Fields, TakesWhatScriptsSay) {
  const auto all = with_scripts({{"alwayson_scripts",
                                  {{"Sampler", {{"args", {30, "Heun"}}}},
                                   {"Refiner", {{"args", {false, "other"}}}},
                                   {"ControlNet", {{"args", ordered_json::array()}}}}}});
  ASSERT_TRUE(all.ok()) << all.error().message();
  EXPECT_EQ((*all)["steps"], 30);
  EXPECT_EQ((*all)["sampler_name"], "Heun");
  EXPECT_FALSE(all->contains("refiner_checkpoint"));
  EXPECT_FALSE(with_scripts({{"alwayson_scripts", {{"ControlNet", {{"args", {1}}}}}}}).ok());
}

}  // namespace
}  // namespace obscura::workflows
