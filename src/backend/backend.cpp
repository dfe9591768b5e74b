#include "backend/backend.h"

#include <charconv>
#include <utility>

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

Result<std::unique_ptr<Device>> create_device(const std::string& name) {
  std::string wanted = name, found;
  int index = 0;
  if (std::size_t colon = name.find(':'); colon != std::string::npos) {
    wanted = name.substr(0, colon);
    const char* end = name.data() + name.size();
    if (std::from_chars(name.data() + colon + 1, end, index).ptr != end) index = -1;
  }
  const BackendInfo* cpu = nullptr;
  for (const BackendInfo& info : backends()) {
    std::vector<DeviceDescription> devices = info.probe();
    for (const DeviceDescription& device : devices)
      found += (found.empty() ? "" : ", ") + device.name;
    bool there = index >= 0 && index < static_cast<int>(devices.size());
    if (info.name == wanted && there) return info.create(index);
    if (wanted == "auto" && info.name != "cpu" && there) return info.create(0);
    if (info.name == "cpu") cpu = &info;
  }
  if (wanted == "auto" && cpu != nullptr) return cpu->create(0);
  return Error(ErrorKind::kInvalidInput, "no device \"" + name + "\" here; there is: " + found);
}

}  // namespace obscura::backend
