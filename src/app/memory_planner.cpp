#include "app/memory_planner.h"

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

// Whether somebody will watch is not known beforehand, and the network that makes previews needs
// memory as any other.
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
  // As if nothing else were loaded.
  runtime::Session& session = engine->session();
  session.free_memory();
  session.restart_peak();
  Watching watching(job.previews);
  auto report = engine->run(job.workflow, job.extra_pnginfo, watching, cancel);
  // What it made is of no use to anybody.
  engine->forget_results();
  if (!report.ok()) return report.error();
  return server::MemoryPlan{static_cast<std::int64_t>(session.peak_held_bytes()),
                            static_cast<std::int64_t>(session.budget())};
}

}  // namespace obscura::app
