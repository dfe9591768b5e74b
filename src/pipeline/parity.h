// Compares a network with what another program computed from the same weights, place by place.
//
// A pair is a model file and a file of tensors beside it:
//   in.NAME    what goes into the network, by the names of the network's own inputs
//   out.NAME   what it is to give
//   act.PLACE  what a place inside it is to give: "input_blocks.4.1", the tensors' names up to
//   their
//              layer
//   in.CASE.NAME, out.CASE.NAME, act.CASE.PLACE   further calls; a case that has the name of a
//              network ("clip_l") asks that one of a file that holds several
// Images are as PyTorch has them, (N, C, H, W). A U-Net's label may be given in its parts, `pooled`
// and `time_ids`. For an adapter out.NAME_0.8 is what the base gives with it at this strength,
// out.NAME_plain without it. Other tensors are passed over.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapter/adapter_file.h"
#include "base/cancel.h"
#include "base/result.h"
#include "io/tensor_file.h"
#include "pipeline/model.h"
#include "runtime/session.h"

namespace obscura::pipeline {

// What is compared: networks of a file, or those of a base with an adapter put on.
struct ParityModel {
  std::shared_ptr<const ModelFile> file;
  std::shared_ptr<const adapter::AdapterFile> adapter;  // null: none
};

// `base` is asked for only where the file changes another model. kInvalidInput, saying what the
// file is, if it is neither.
Result<ParityModel> open_parity_model(
    const std::filesystem::path& path,
    const std::function<Result<std::shared_ptr<const ModelFile>>()>& base);

struct ParityStage {
  std::string name;     // of the pair's tensor: "act.input_blocks.4.1"
  double absolute = 0;  // the largest difference
  double relative = 0;  // that, as a part of the largest value that is wanted
  double psnr = 0;      // dB, of the same value
};

// Calls `on_stage` for each tensor that is wanted, in the order in which the network comes to it,
// and ends after the first whose relative error is above `tolerance`: its name is returned, or
// nothing if all agree. kInvalidInput, naming the tensor, where the pair does not fit the network.
Result<std::optional<std::string>> compare(runtime::Session& session, const ParityModel& model,
                                           const io::TensorFile& pair, double tolerance,
                                           const std::function<void(const ParityStage&)>& on_stage,
                                           const CancelToken& cancel = {});

}  // namespace obscura::pipeline
