// What stands in a device's place after it was lost: says what it was, holds nothing, and refuses
// all work with the reason why.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace obscura::runtime {

// `why` is of kind kDeviceLost.
std::unique_ptr<backend::Device> lost_device(backend::DeviceDescription description, Error why);

}  // namespace obscura::runtime
