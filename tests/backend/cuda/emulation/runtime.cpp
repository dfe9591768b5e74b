#include "backend/cuda/emulation/runtime.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "backend/cuda/emulation/memory.h"
#include "backend/cuda/emulation/streams.h"

namespace emulation = obscura::test::emulation;

// CUDA's handles, which its headers leave open.
struct CUevent_st {
  int recorded = 0, done = 0;  // of its records: the last that was asked for, that took place
  int capture = 0;             // the recording that its last record is part of, if not 0
  std::vector<std::size_t> captured;  // the steps of that recording that it stands for
};

namespace {

struct Work {
  std::function<void()> run;
  // Waits for this record of an event first.
  CUevent_st* event = nullptr;
  int record = 0;
};

struct Step {
  Work work;
  CUstream_st* stream = nullptr;
  std::vector<std::size_t> after;
};

}  // namespace

struct CUgraph_st {
  std::vector<Step> steps;
};
struct CUgraphExec_st {
  std::shared_ptr<const CUgraph_st> graph;
};

namespace {

struct Capture {
  int number;
  CUstream_st* origin;
  std::unique_ptr<CUgraph_st> graph = std::make_unique<CUgraph_st>();
  bool spoiled = false;  // by a call that may not be made while a stream is recorded
};

}  // namespace

struct CUstream_st {
  std::deque<Work> queue;
  Capture* capture = nullptr;
  std::vector<std::size_t> last;  // steps of the capture that the next one comes after
};

namespace {

std::vector<CUstream_st*> streams;  // in the order in which they were made
std::unique_ptr<Capture> capture;
int captures = 0;
emulation::Priority priority = emulation::Priority::kOldest;
cudaError_t last_error = cudaSuccess;
int calls = 0;
bool lost = false;
emulation::Engines engines = emulation::Engines::kAll;

CUstream_st* stream_of(cudaStream_t stream) {
  if (stream != nullptr) return stream;
  static CUstream_st* const kDefault = [] {
    streams.push_back(new CUstream_st());
    return streams.back();
  }();
  return kDefault;
}

bool preferred(const CUstream_st* a, const CUstream_st* b) {
  auto position = [](const CUstream_st* s) { return std::find(streams.begin(), streams.end(), s); };
  return priority == emulation::Priority::kOldest ? position(a) < position(b)
                                                  : position(b) < position(a);
}

bool ready(const CUstream_st& stream) {
  if (stream.queue.empty()) return false;
  const Work& next = stream.queue.front();
  return next.event == nullptr || next.event->done >= next.record;
}

// Runs what streams hold until `done`, one piece after the other.
template <class Done>
void run_until(const Done& done) {
  emulation::DeviceIsOpen open;
  while (!done()) {
    CUstream_st* next = nullptr;
    for (CUstream_st* stream : streams) {
      if (ready(*stream) && (next == nullptr || preferred(stream, next))) next = stream;
    }
    if (next == nullptr) emulation::die("streams wait for an event that nothing will record");
    Work work = std::move(next->queue.front());
    next->queue.pop_front();
    if (work.run) work.run();
  }
}

// The steps of a graph, each after those that it comes after; of several that may go next, one of
// the preferred stream.
void run_graph(const CUgraph_st& graph) {
  std::vector<bool> done(graph.steps.size(), false);
  for (std::size_t count = 0; count < graph.steps.size(); ++count) {
    std::size_t next = graph.steps.size();
    for (std::size_t i = 0; i < graph.steps.size(); ++i) {
      const Step& step = graph.steps[i];
      bool may = !done[i] && std::all_of(step.after.begin(), step.after.end(),
                                         [&](std::size_t before) { return done[before]; });
      if (may && (next == graph.steps.size() || preferred(step.stream, graph.steps[next].stream)))
        next = i;
    }
    graph.steps[next].work.run();
    done[next] = true;
  }
}

// Forward, backward, and the same bits in both.
void run_in_both_orders(const emulation::Kernel& kernel) {
  static emulation::DeviceContent before, forward;
  before.take();
  emulation::run(kernel, emulation::Order::kForward);
  forward.take();
  before.restore();
  emulation::run(kernel, emulation::Order::kBackward);
  if (std::string difference = forward.difference(); !difference.empty())
    emulation::die(fmt::format("{}: its result depends on the order of threads: {} differs",
                               emulation::name_of(kernel.function), difference));
  emulation::check_guards();
}

}  // namespace

namespace obscura::test::emulation {

cudaError_t told(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

bool spoils_capture() {
  if (capture == nullptr) return false;
  capture->spoiled = true;
  return true;
}

void run_all() {
  run_until([] {
    return std::all_of(streams.begin(), streams.end(),
                       [](const CUstream_st* s) { return s->queue.empty(); });
  });
}

cudaError_t put(cudaStream_t handle, std::function<void()> run) {
  if (lost) return told(cudaErrorIllegalAddress);
  CUstream_st* stream = stream_of(handle);
  ++calls;
  if (stream->capture == nullptr) {
    stream->queue.push_back({.run = std::move(run)});
    return cudaSuccess;
  }
  auto& steps = stream->capture->graph->steps;
  Step& step = steps.emplace_back();
  step.work.run = std::move(run);
  step.stream = stream;
  step.after = stream->last;
  stream->last = {steps.size() - 1};
  return cudaSuccess;
}

cudaError_t enqueue(cudaStream_t stream, Kernel kernel) {
  constexpr unsigned kMostThreads = 1024, kMostRows = 65535;
  unsigned threads = kernel.block.x * kernel.block.y * kernel.block.z;
  unsigned blocks = kernel.grid.x * kernel.grid.y * kernel.grid.z;
  if (threads == 0 || threads > kMostThreads || blocks == 0 || kernel.grid.y > kMostRows ||
      kernel.grid.z > kMostRows || kernel.shared_bytes > 227 * 1024)
    return told(cudaErrorInvalidConfiguration);
  return put(stream, [kernel = std::move(kernel)] { run_in_both_orders(kernel); });
}

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  return put(stream, [work = std::move(work)] {
    work();
    check_guards();
  });
}

void set_priority(Priority wanted) {
  priority = wanted;
}

void lose_device() {
  lost = true;
}

void set_engines(Engines wanted) {
  engines = wanted;
}

Engines library_engines() {
  return engines;
}

int calls_since_last() {
  return std::exchange(calls, 0);
}

}  // namespace obscura::test::emulation

cudaError_t cudaDeviceReset() {
  lost = false;
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (lost) return emulation::told(cudaErrorIllegalAddress);
  streams.push_back(new CUstream_st());
  *stream = streams.back();
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  emulation::run_all();
  std::erase(streams, stream);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  if (emulation::spoils_capture()) return emulation::told(cudaErrorStreamCaptureUnsupported);
  if (lost) return emulation::told(cudaErrorIllegalAddress);
  CUstream_st* stream = stream_of(handle);
  run_until([&] { return stream->queue.empty(); });
  return cudaSuccess;
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* data) {
  return emulation::put(stream, [=] { function(data); });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st();
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  emulation::run_all();
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  CUstream_st* stream = stream_of(handle);
  event->capture = stream->capture == nullptr ? 0 : stream->capture->number;
  if (stream->capture != nullptr) {
    event->captured = stream->last;
    return cudaSuccess;
  }
  int record = ++event->recorded;
  stream->queue.push_back({.run = [=] { event->done = std::max(event->done, record); }});
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  CUstream_st* stream = stream_of(handle);
  if (event->capture == 0 && stream->capture == nullptr) {
    stream->queue.push_back({.run = nullptr, .event = event, .record = event->recorded});
    return cudaSuccess;
  }
  // Only an event of the same recording can be waited for in it, and nowhere else.
  if (capture == nullptr || event->capture != capture->number) {
    if (stream->capture != nullptr) emulation::spoils_capture();
    return emulation::told(cudaErrorStreamCaptureIsolation);
  }
  if (stream->capture == nullptr) {
    stream->capture = capture.get();
    stream->last.clear();
  }
  stream->last.insert(stream->last.end(), event->captured.begin(), event->captured.end());
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (emulation::spoils_capture()) return emulation::told(cudaErrorStreamCaptureUnsupported);
  run_until([&] { return event->done >= event->recorded; });
  return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 1;  // there is no time here that would mean anything
  return cudaSuccess;
}

// Graphs.

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (capture != nullptr || stream == nullptr) return emulation::told(cudaErrorIllegalState);
  capture = std::make_unique<Capture>(Capture{++captures, stream});
  stream->capture = capture.get();
  stream->last.clear();
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (capture == nullptr || capture->origin != stream)
    return emulation::told(cudaErrorIllegalState);
  // Every step of another stream must come before the end of this one.
  const auto& steps = capture->graph->steps;
  std::vector<bool> joined(steps.size(), false);
  for (std::size_t step : stream->last) joined[step] = true;
  for (std::size_t i = steps.size(); i-- > 0;) {
    for (std::size_t before : joined[i] ? steps[i].after : std::vector<std::size_t>())
      joined[before] = true;
  }
  for (CUstream_st* other : streams) other->capture = nullptr;
  std::unique_ptr<Capture> ended = std::move(capture);
  if (ended->spoiled) return emulation::told(cudaErrorStreamCaptureInvalidated);
  if (!std::all_of(joined.begin(), joined.end(), [](bool j) { return j; }))
    return emulation::told(cudaErrorStreamCaptureUnjoined);
  *graph = ended->graph.release();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
  *made = new CUgraphExec_st{std::make_shared<const CUgraph_st>(*graph)};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  return emulation::put(stream, [steps = graph->graph] { run_graph(*steps); });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;  // what is on a stream holds the steps
  return cudaSuccess;
}

cudaError_t cudaGetLastError() {
  return std::exchange(last_error, cudaSuccess);
}
