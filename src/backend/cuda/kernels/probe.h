// Whether the program's kernels run on a device.
#pragma once

namespace obscura::backend::cuda {

// True if the program holds machine code for the device `ordinal`, or PTX that its driver compiles.
bool has_code_for_device(int ordinal);

}  // namespace obscura::backend::cuda
