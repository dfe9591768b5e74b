#include "backend/backend.h"

#include <algorithm>
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

struct Found {
  const BackendInfo* backend;
  int index;
};

// For somebody who did not ask for this device: it must show first that it works.
Result<std::unique_ptr<Device>> create_checked(const Found& found,
                                               const DeviceDescription& description,
                                               const std::string& precision) {
  OBSCURA_ASSIGN(auto device, create(*found.backend, found.index, description, precision));
  if (description.kind != DeviceKind::kCpu) OBSCURA_TRY(self_check(*device));
  return device;
}

Result<std::unique_ptr<Device>> create_automatic(const std::vector<Found>& found,
                                                 const std::vector<DeviceDescription>& devices,
                                                 const std::string& precision) {
  Error last(ErrorKind::kNotFound, "this program has no device but such as are software");
  for (std::size_t i : auto_order(devices)) {
    auto checked = create_checked(found[i], devices[i], precision);
    if (checked.ok() || devices[i].kind == DeviceKind::kCpu) return checked;
    last = checked.error();
    log::warn("{} is left alone: {}; --device {} takes it all the same", devices[i].name,
              last.message(), devices[i].name);
  }
  return last;
}

}  // namespace

std::string_view name_of(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::kCpu:
      return "cpu";
    case DeviceKind::kGpu:
      return "gpu";
    case DeviceKind::kSoftware:
      return "software";
  }
  return "cpu";
}

std::vector<std::size_t> auto_order(std::span<const DeviceDescription> devices) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < devices.size(); ++i)
    if (devices[i].kind != DeviceKind::kSoftware) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(-devices[a].rank, devices[a].name) <
           std::pair(-devices[b].rank, devices[b].name);
  });
  return order;
}

Result<std::unique_ptr<Device>> create_device(const std::string& name,
                                              const std::string& precision) {
  std::vector<Found> found;
  std::vector<DeviceDescription> devices;
  std::string names;
  for (const BackendInfo& info : backends()) {
    int index = 0;
    for (DeviceDescription& device : info.probe()) {
      if (name == device.name || name == info.name) return create(info, index, device, precision);
      names += (names.empty() ? "" : ", ") + device.name;
      found.push_back({&info, index++});
      devices.push_back(std::move(device));
    }
  }
  if (name == "auto") return create_automatic(found, devices, precision);
  return Error(ErrorKind::kInvalidInput, "no device \"" + name + "\" here; there is: " + names);
}

}  // namespace obscura::backend
