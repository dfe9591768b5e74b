#include "backend/backend.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "backend/self_check.h"
#include "base/log.h"

namespace obscura::backend {
namespace {

std::vector<BackendInfo>& registry() {
  static std::vector<BackendInfo> backends;
  return backends;
}

}  // namespace

void register_backend(BackendInfo info) {
  registry().push_back(std::move(info));
}

const std::vector<BackendInfo>& backends() {
  return registry();
}

namespace {

Result<std::unique_ptr<Device>> create(const BackendInfo& info, int index,
                                       const DeviceDescription& device,
                                       const std::string& precision) {
  const std::vector<std::string>& known = device.precisions;
  if (!precision.empty() && std::find(known.begin(), known.end(), precision) == known.end()) {
    std::string list;
    for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
    return Error(ErrorKind::kInvalidInput, "the device " + device.name + " has no precision \"" +
                                               precision + "\"; it has: " + list);
  }
  return info.create(index, precision.empty() ? known.front() : precision);
}

// For somebody who did not ask for this device: it must show first that it works.
Result<std::unique_ptr<Device>> create_checked(const BackendInfo& info,
                                               const DeviceDescription& description,
                                               const std::string& precision) {
  OBSCURA_ASSIGN(auto device, create(info, 0, description, precision));
  OBSCURA_TRY(self_check(*device));
  return device;
}

}  // namespace

Result<std::unique_ptr<Device>> create_device(const std::string& name,
                                              const std::string& precision) {
  std::string wanted = name, found;
  int index = 0;
  if (std::size_t colon = name.find(':'); colon != std::string::npos) {
    wanted = name.substr(0, colon);
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data() + colon + 1, end, index).ptr != end) index = -1;
  }
  const BackendInfo* cpu = nullptr;
  DeviceDescription cpu_device;
  for (const BackendInfo& info : backends()) {
    std::vector<DeviceDescription> devices = info.probe();
    for (const DeviceDescription& device : devices)
      found += (found.empty() ? "" : ", ") + device.name;
    bool there = index >= 0 && index < static_cast<int>(devices.size());
    auto at = static_cast<std::size_t>(there ? index : 0);
    if (info.name == wanted && there) return create(info, index, devices[at], precision);
    if (wanted == "auto" && info.name != "cpu" && there) {
      auto checked = create_checked(info, devices[0], precision);
      if (checked.ok()) return checked;
      log::warn("{} is left alone: {}; --device {} takes it all the same", devices[0].name,
                checked.error().message(), devices[0].name);
    }
    if (info.name == "cpu") {
      cpu = &info;
      cpu_device = devices[0];
    }
  }
  if (wanted == "auto" && cpu != nullptr) return create(*cpu, 0, cpu_device, precision);
  return Error(ErrorKind::kInvalidInput, "no device \"" + name + "\" here; there is: " + found);
}

}  // namespace obscura::backend
