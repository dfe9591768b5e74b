// cuDNN's descriptors as they were set, and a graph of operations computed on the CPU.
#pragma once

#include <cudnn.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <vector>

#include "backend/cuda/emulation/threads.h"

namespace obscura::test::emulation {

// What every plan asks for.
inline constexpr std::int64_t kPlanWorkspaceBytes = 1000;

// Any descriptor: its attributes as they were set.
struct Descriptor {
  cudnnBackendDescriptorType_t type;
  std::map<int, std::vector<std::byte>> attributes;
  bool final = false;

  bool has(cudnnBackendAttributeName_t name) const { return attributes.contains(name); }
  template <class T>
  std::vector<T> all(cudnnBackendAttributeName_t name) const {
    auto found = attributes.find(name);
    if (found == attributes.end())
      die(fmt::format("cuDNN: descriptor of type {} wants attribute {}", static_cast<int>(type),
                      static_cast<int>(name)));
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the size of a pointer is meant where T is one.
    std::vector<T> values(found->second.size() / sizeof(T));
    std::memcpy(values.data(), found->second.data(), found->second.size());
    return values;
  }
  template <class T>
  T one(cudnnBackendAttributeName_t name) const {
    return all<T>(name).at(0);
  }
  const Descriptor& descriptor(cudnnBackendAttributeName_t name) const {
    return *one<const Descriptor*>(name);
  }
  bool flag(cudnnBackendAttributeName_t name) const {
    return has(name) && one<std::uint8_t>(name) != 0;
  }
};

// What the plan of these operations does with this variant pack. What stands in host memory is read
// now, as the library does.
std::function<void()> make_run(const std::vector<const Descriptor*>& operations,
                               const Descriptor& pack);

}  // namespace obscura::test::emulation
