// Every op of ir has a CUDA kernel of its own, or is a view. Needs no device.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <set>
#include <string>

#include "backend/cuda/kernel.h"
#include "base/files.h"
#include "test_paths.h"

namespace obscura::backend::cuda {
namespace {

// The names that the classes of src/ir give themselves.
std::set<std::string> op_names() {
  static const std::regex kName(R"(name\(\) const override \{ return \"(\w+)\"; \})");
  std::set<std::string> names;
  auto folder = source_path("src/ir");
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".h") continue;
    Result<std::string> text = read_file(entry.path());
    EXPECT_TRUE(text.ok());
    for (std::sregex_iterator match(text->begin(), text->end(), kName), end; match != end; ++match)
      names.insert((*match)[1]);
  }
  return names;
}

TEST(CudaCoverage, EveryOpHasAKernel) {
  std::set<std::string> names = op_names();
  ASSERT_TRUE(names.contains("conv2d") && names.contains("reshape")) << "the pattern finds no ops";
  for (const std::string& name : names) {
    if (name == "reshape") continue;  // a view: nothing runs
    EXPECT_TRUE(has_kernel(name)) << name;
  }
  EXPECT_FALSE(has_kernel("no such op"));
}

}  // namespace
}  // namespace obscura::backend::cuda
