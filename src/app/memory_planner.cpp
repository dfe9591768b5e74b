#include "app/memory_planner.h"

#include <algorithm>
#include <utility>

#include "graph/observer.h"

namespace obscura::app {
namespace {

// The engine keeps a line for each network it has ever planned; then it is opened anew.
constexpr std::size_t kMostNetworks = 4096;

class NoImages final : public library::ImageSink {
 public:
  Result<library::StoredFile> store(const library::FinishedImage&) override {
    return library::StoredFile{};
  }
  Result<library::StoredFile> store(const library::FinishedFile&) override {
    return library::StoredFile{};
  }
};

NoImages no_images;

class Watching final : public graph::Observer {
 public:
  explicit Watching(bool previews) : previews_(previews) {}
  bool wants_previews() const override { return previews_; }

 private:
  bool previews_;
};

}  // namespace

Result<Engine*> MemoryPlanner::opened() {
  if (engine_ && networks_.size() < kMostNetworks) return engine_.get();
  engine_.reset();
  networks_.clear();
  OBSCURA_ASSIGN(auto device, create_device(options_));
  OBSCURA_ASSIGN(engine_, Engine::open(options_, no_images,
                                       runtime::planning_device(std::move(device), networks_)));
  return engine_.get();
}

Result<server::MemoryPlan> MemoryPlanner::plan(const Place& place, const server::JobToRun& job,
                                               const CancelToken& cancel) {
  OBSCURA_ASSIGN(Engine * engine, opened());
  const Place own{place.name, place.models, place.input, no_images};
  engine->move_to(own);
  OBSCURA_ASSIGN(std::int64_t peak, peak_of(*engine, job, false, cancel));
  // Whether somebody will watch is not known beforehand. The network that makes previews needs
  // memory as any other, and what it pushes out is not there beside the networks that follow.
  if (job.previews) {
    OBSCURA_ASSIGN(const std::int64_t watched, peak_of(*engine, job, true, cancel));
    peak = std::max(peak, watched);
  }
  return server::MemoryPlan{peak, static_cast<std::int64_t>(engine->session().budget())};
}

Result<std::int64_t> MemoryPlanner::peak_of(Engine& engine, const server::JobToRun& job,
                                            bool watched, const CancelToken& cancel) {
  // As if nothing else were loaded.
  runtime::Session& session = engine.session();
  session.free_memory();
  session.restart_peak();
  Watching watching(watched);
  auto report = engine.run(job.workflow, job.extra_pnginfo, watching, cancel);
  // What it made is of no use to anybody.
  engine.forget_results();
  if (!report.ok()) return report.error();
  return static_cast<std::int64_t>(session.peak_held_bytes());
}

}  // namespace obscura::app
