#include "backend/cuda/libraries.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <vector>

namespace obscura::backend::cuda {
namespace {

std::vector<std::string> folders() {
  std::vector<std::string> result = {""};
  if (const char* list = std::getenv("OBSCURA_CUDA_LIBRARIES")) {
    std::string rest = list;
    while (!rest.empty()) {
      std::size_t colon = rest.find(':');
      if (std::string folder = rest.substr(0, colon); !folder.empty())
        result.push_back(folder + '/');
      rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
    }
  }
  result.push_back("/usr/local/cuda/lib64/");
  return result;
}

// Never closed: both libraries keep state that outlives any of our objects.
Result<void*> open(const std::string& soname, const std::string& name) {
  std::string reason;
  for (const std::string& folder : folders()) {
    if (void* handle = ::dlopen((folder + soname).c_str(), RTLD_NOW | RTLD_LOCAL)) return handle;
    if (reason.empty()) reason = ::dlerror();
  }
  return Error(ErrorKind::kNotFound,
               fmt::format("{} could not be opened ({}): install NVIDIA's {} for CUDA {}, or name "
                           "its folder in OBSCURA_CUDA_LIBRARIES",
                           soname, reason, name, CUDART_VERSION / 1000));
}

template <class Function>
Status find(void* library, const char* symbol, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, symbol));
  if (function != nullptr) return {};
  return Error(ErrorKind::kNotFound, fmt::format("the library has no {}: it is too old", symbol));
}

Status open_blas(BlasLt& blas) {
  OBSCURA_ASSIGN(void* library, open(fmt::format("libcublasLt.so.{}", CUBLAS_VER_MAJOR), "cuBLAS"));
  OBSCURA_TRY(find(library, "cublasLtCreate", blas.create));
  OBSCURA_TRY(find(library, "cublasLtDestroy", blas.destroy));
  OBSCURA_TRY(find(library, "cublasLtGetVersion", blas.version));
  OBSCURA_TRY(find(library, "cublasLtMatmul", blas.matmul));
  OBSCURA_TRY(find(library, "cublasLtMatmulAlgoGetHeuristic", blas.heuristic));
  OBSCURA_TRY(find(library, "cublasLtMatmulDescCreate", blas.desc_create));
  OBSCURA_TRY(find(library, "cublasLtMatmulDescDestroy", blas.desc_destroy));
  OBSCURA_TRY(find(library, "cublasLtMatmulDescSetAttribute", blas.desc_set));
  OBSCURA_TRY(find(library, "cublasLtMatrixLayoutCreate", blas.layout_create));
  OBSCURA_TRY(find(library, "cublasLtMatrixLayoutDestroy", blas.layout_destroy));
  OBSCURA_TRY(find(library, "cublasLtMatrixLayoutSetAttribute", blas.layout_set));
  OBSCURA_TRY(find(library, "cublasLtMatmulPreferenceCreate", blas.preference_create));
  OBSCURA_TRY(find(library, "cublasLtMatmulPreferenceDestroy", blas.preference_destroy));
  return find(library, "cublasLtMatmulPreferenceSetAttribute", blas.preference_set);
}

Status open_dnn(Dnn& dnn) {
  OBSCURA_ASSIGN(void* library, open(fmt::format("libcudnn.so.{}", CUDNN_MAJOR), "cuDNN"));
  OBSCURA_TRY(find(library, "cudnnCreate", dnn.create));
  OBSCURA_TRY(find(library, "cudnnDestroy", dnn.destroy));
  OBSCURA_TRY(find(library, "cudnnSetStream", dnn.set_stream));
  OBSCURA_TRY(find(library, "cudnnGetVersion", dnn.version));
  OBSCURA_TRY(find(library, "cudnnGetErrorString", dnn.error_string));
  OBSCURA_TRY(find(library, "cudnnGetLastErrorString", dnn.last_error));
  OBSCURA_TRY(find(library, "cudnnBackendCreateDescriptor", dnn.descriptor_create));
  OBSCURA_TRY(find(library, "cudnnBackendDestroyDescriptor", dnn.descriptor_destroy));
  OBSCURA_TRY(find(library, "cudnnBackendSetAttribute", dnn.set));
  OBSCURA_TRY(find(library, "cudnnBackendGetAttribute", dnn.get));
  OBSCURA_TRY(find(library, "cudnnBackendFinalize", dnn.finalize));
  return find(library, "cudnnBackendExecute", dnn.execute);
}

Result<Libraries> open_all() {
  Libraries all{};
  OBSCURA_TRY(open_blas(all.blas));
  OBSCURA_TRY(open_dnn(all.dnn));
  return all;
}

}  // namespace

std::string Libraries::text() const {
  std::size_t b = blas.version(), d = dnn.version();
  return fmt::format("cuBLASLt {}.{}.{}, cuDNN {}.{}.{}", b / 10000, b / 100 % 100, b % 100,
                     d / 10000, d / 100 % 100, d % 100);
}

const Result<Libraries>& libraries() {
  static const Result<Libraries> opened = open_all();
  return opened;
}

}  // namespace obscura::backend::cuda
