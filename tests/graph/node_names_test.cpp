#include "graph/node_names.h"

#include <gtest/gtest.h>

namespace obscura::graph {
namespace {

TEST(NodeNames, FindTheNodeWhoseWordsAreShared) {
  const std::vector<std::string> nodes = {"KSampler",      "KSamplerAdvanced", "ImageScale",
                                          "LatentUpscale", "SaveImage",        "CLIPTextEncode"};
  auto found = [&](const char* word) { return nearest_by_words(word, nodes).value_or(""); };
  EXPECT_EQ(found("KSampler (Efficient)"), "KSampler");
  EXPECT_EQ(found("KSampler Adv. (Efficient)"), "KSampler");
  EXPECT_EQ(found("UltimateSDUpscale"), "LatentUpscale");
  EXPECT_EQ(found("BNK_CLIPTextEncodeAdvanced"), "CLIPTextEncode");
  EXPECT_EQ(found("Image Save"), "SaveImage");
  EXPECT_EQ(found("FaceDetailer"), "");
  EXPECT_EQ(found(""), "");
  EXPECT_EQ(node_suggestion("KSamplr", nodes), "; the nearest is 'KSampler'");
  EXPECT_EQ(node_suggestion("KSampler (Efficient)", nodes), "; the nearest is 'KSampler'");
}

}  // namespace
}  // namespace obscura::graph
