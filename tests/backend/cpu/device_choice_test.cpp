// Which device "auto" takes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backend/backend.h"

namespace obscura::backend {
namespace {

DeviceDescription device(const std::string& name, DeviceKind kind, int rank) {
  DeviceDescription description;
  description.name = name;
  description.kind = kind;
  description.rank = rank;
  return description;
}

std::vector<std::string> tried(const std::vector<DeviceDescription>& devices) {
  std::vector<std::string> names;
  for (std::size_t i : auto_order(devices)) names.push_back(devices[i].name);
  return names;
}

TEST(AutoOrder, GoesByRankAndNameWhateverWasLinkedFirst) {
  std::vector<DeviceDescription> devices = {
      device("cpu", DeviceKind::kCpu, 0), device("cuda:0", DeviceKind::kGpu, 200),
      device("cuda:1", DeviceKind::kGpu, 200), device("lavapipe", DeviceKind::kSoftware, 900),
      device("vulkan:0", DeviceKind::kGpu, 100)};
  auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  int orders = 0;
  do {
    EXPECT_EQ(tried(devices), (std::vector<std::string>{"cuda:0", "cuda:1", "vulkan:0", "cpu"}));
    ++orders;
  } while (std::next_permutation(devices.begin(), devices.end(), by_name));
  EXPECT_EQ(orders, 120);
}

TEST(AutoOrder, NeverTakesSoftware) {
  EXPECT_TRUE(tried({device("lavapipe", DeviceKind::kSoftware, 900)}).empty());
}

TEST(DeviceKind, HasAName) {
  EXPECT_EQ(name_of(DeviceKind::kCpu), "cpu");
  EXPECT_EQ(name_of(DeviceKind::kGpu), "gpu");
  EXPECT_EQ(name_of(DeviceKind::kSoftware), "software");
  EXPECT_EQ(create_device("cpu").value()->describe().kind, DeviceKind::kCpu);
}

TEST(CreateDevice, KnowsDevicesByTheirNamesAlone) {
  EXPECT_FALSE(create_device("cpu:1").ok());
  EXPECT_FALSE(create_device("cp").ok());
}

}  // namespace
}  // namespace obscura::backend
