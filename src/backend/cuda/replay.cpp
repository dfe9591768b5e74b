#include "backend/cuda/replay.h"

#include "backend/cuda/status.h"
#include "base/log.h"

namespace obscura::backend::cuda {

Status Replay::run(Context& context, const std::string& name, const std::function<Status()>& put) {
  // What runs once is not worth a graph.
  if (graph_ == nullptr && ++runs_ == 2) {
    Status status = record(context, put);
    if (!status.ok() && status.error().kind() == ErrorKind::kCancelled) return status;
    if (!status.ok()) log::warn("{} runs without a CUDA graph: {}", name, status.error().message());
  }
  if (graph_ == nullptr) return put();
  return check(cudaGraphLaunch(graph_, context.compute), "replaying a run");
}

Status Replay::record(Context& context, const std::function<Status()>& put) {
  OBSCURA_TRY(check(cudaStreamBeginCapture(context.compute, cudaStreamCaptureModeThreadLocal),
                    "recording a run"));
  Status status = put();
  cudaGraph_t graph = nullptr;
  // Ends the recording of the copy stream too, and forgets it all if a call in it failed.
  Status ended = check(cudaStreamEndCapture(context.compute, &graph), "recording a run");
  if (status.ok()) status = ended;
  if (status.ok())
    status = check(cudaGraphInstantiate(&graph_, graph, 0), "making a graph of a run");
  if (graph != nullptr) cudaGraphDestroy(graph);
  return status;
}

void Replay::forget() {
  if (graph_ != nullptr) cudaGraphExecDestroy(graph_);
  graph_ = nullptr;
  runs_ = 0;
}

}  // namespace obscura::backend::cuda
