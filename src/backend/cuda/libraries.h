// cuBLASLt and cuDNN, opened when a device is first used, so that one program runs with and without
// them. Only what the backend calls is listed; types and constants come from NVIDIA's headers.
#pragma once

#include <cublasLt.h>
#include <cudnn.h>

#include <string>

#include "base/result.h"

namespace obscura::backend::cuda {

struct BlasLt {
  decltype(&::cublasLtCreate) create;
  decltype(&::cublasLtDestroy) destroy;
  decltype(&::cublasLtGetVersion) version;
  decltype(&::cublasLtMatmul) matmul;
  decltype(&::cublasLtMatmulAlgoGetHeuristic) heuristic;
  decltype(&::cublasLtMatmulDescCreate) desc_create;
  decltype(&::cublasLtMatmulDescDestroy) desc_destroy;
  decltype(&::cublasLtMatmulDescSetAttribute) desc_set;
  decltype(&::cublasLtMatrixLayoutCreate) layout_create;
  decltype(&::cublasLtMatrixLayoutDestroy) layout_destroy;
  decltype(&::cublasLtMatrixLayoutSetAttribute) layout_set;
  decltype(&::cublasLtMatmulPreferenceCreate) preference_create;
  decltype(&::cublasLtMatmulPreferenceDestroy) preference_destroy;
  decltype(&::cublasLtMatmulPreferenceSetAttribute) preference_set;
};

struct Dnn {
  decltype(&::cudnnCreate) create;
  decltype(&::cudnnDestroy) destroy;
  decltype(&::cudnnSetStream) set_stream;
  decltype(&::cudnnGetVersion) version;
  decltype(&::cudnnGetErrorString) error_string;
  decltype(&::cudnnGetLastErrorString) last_error;
  decltype(&::cudnnBackendCreateDescriptor) descriptor_create;
  decltype(&::cudnnBackendDestroyDescriptor) descriptor_destroy;
  decltype(&::cudnnBackendSetAttribute) set;
  decltype(&::cudnnBackendGetAttribute) get;
  decltype(&::cudnnBackendFinalize) finalize;
  decltype(&::cudnnBackendExecute) execute;
};

struct Libraries {
  BlasLt blas;
  Dnn dnn;
  std::string text() const;  // "cuBLASLt 13.1.0, cuDNN 9.19.0"
};

// Opens both on the first call; later calls, from any thread, get the same answer. Looks where the
// system's loader looks, in the folders of OBSCURA_CUDA_LIBRARIES (separated by colons) and in
// /usr/local/cuda. kNotFound names the library that is missing and how to get it.
const Result<Libraries>& libraries();

}  // namespace obscura::backend::cuda
