// CUDA's error codes as Results.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "base/result.h"

namespace obscura::backend::cuda {

// Whether every later call on the device fails as well: its context is broken until it is made
// anew.
inline bool loses_device(cudaError_t error) {
  switch (error) {
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorECCUncorrectable:
    case cudaErrorNvlinkUncorrectable:
    case cudaErrorExternalDevice:
    case cudaErrorContextIsDestroyed:
    case cudaErrorUnknown:
      return true;
    default:
      return false;
  }
}

// kOutOfMemory for a refused allocation, kDeviceLost where nothing works any more, else kInternal:
// `what` failed, and the driver's words.
inline Status check(cudaError_t error, const std::string& what) {
  if (error == cudaSuccess) return {};
  cudaGetLastError();  // told here: the libraries' own look for errors must not find it again
  ErrorKind kind = ErrorKind::kInternal;
  if (error == cudaErrorMemoryAllocation) kind = ErrorKind::kOutOfMemory;
  if (loses_device(error)) kind = ErrorKind::kDeviceLost;
  return Error(kind, "[cuda] " + what + ": " + cudaGetErrorString(error));
}

}  // namespace obscura::backend::cuda
