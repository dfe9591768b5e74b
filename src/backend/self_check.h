// Whether a device computes what it should, found out in a moment: before a GPU is taken for
// somebody who did not ask for one, and by `obscura doctor`.
#pragma once

#include "backend/backend.h"

namespace obscura::backend {

// Runs a small network that has one of each kind of heavy op, several times, since a device may
// replay what it recorded, and compares it with the plain definitions. kInternal naming the first
// stage that differs, or that two runs differ; else the device's own error.
Status self_check(Device& device);

}  // namespace obscura::backend
