// What the kernels on oneDNN share. The only folder that includes its headers.
#pragma once

#include <dnnl.hpp>
#include <string>

#include "backend/cpu/kernel.h"

namespace obscura::backend::cpu {

// The process-wide engine and an in-order stream on it.
const dnnl::engine& onednn_engine();
const dnnl::stream& onednn_stream();

// "oneDNN 2.6.3"
std::string onednn_version();

// Memory that somebody else owns.
inline dnnl::memory borrowed(const dnnl::memory::desc& description, const void* data) {
  return dnnl::memory(description, onednn_engine(), const_cast<void*>(data));
}

// A text that is equal for equal memory layouts.
std::string layout_text(const dnnl::memory::desc& description);

// Attributes that let the caller provide the scratchpad, so that it is part of the plan.
dnnl::primitive_attr planned_attributes();

// oneDNN throws where it cannot build a primitive; a factory returns that as an Error naming the
// op.
template <class Make>
Result<std::unique_ptr<Kernel>> guarded(const KernelRequest& request, const Make& make) {
  try {
    return make();
  } catch (const dnnl::error& error) {
    return ir::shape_error(request.op, std::string("oneDNN cannot run it: ") + error.what());
  }
}

}  // namespace obscura::backend::cpu
