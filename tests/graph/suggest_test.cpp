#include "graph/suggest.h"

#include <gtest/gtest.h>

namespace obscura::graph {
namespace {

TEST(Suggest, FindsTheFewestEdits) {
  const std::vector<std::string> names = {"KSampler", "KSamplerAdvanced", "VAEDecode", "VAEEncode"};
  EXPECT_EQ(nearest("KSamplr", names), "KSampler");
  EXPECT_EQ(nearest("ksampler", names), "KSampler");
  EXPECT_EQ(nearest("VAEDecdoe", names), "VAEDecode");  // two neighbours swapped
  EXPECT_EQ(nearest("KSamplerAdvancd", names), "KSamplerAdvanced");
  EXPECT_EQ(nearest("LoadImage", names), std::nullopt);
  EXPECT_EQ(nearest("", names), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'K'), names), std::nullopt);
}

TEST(Suggest, ComparesFileNamesWithoutTheirFolder) {
  const std::vector<std::string> files = {"refiner.safetensors", "sdxl/base_v10.safetensors"};
  EXPECT_EQ(nearest("other\\folder\\base_v10.safetensors", files), "sdxl/base_v10.safetensors");
}

TEST(Suggest, WritesMessages) {
  EXPECT_EQ(suggestion("eulr", {"euler", "heun"}), "; the nearest is 'euler'");
  EXPECT_EQ(suggestion("zzzzzz", {"euler", "heun"}), "");
  EXPECT_EQ(list_in_quotes({"a", "b", "c"}, 2), "'a', 'b', … (3 in all)");
  EXPECT_EQ(in_quotes("a\x1b[2J\n"), "'a?[2J?'");
  EXPECT_EQ(printable("ééé", 3), "é…");  // never half a character
}

}  // namespace
}  // namespace obscura::graph
