// /metrics, in Prometheus' text format (version 0.0.4).
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "server/api/routes.h"

namespace obscura::server {
namespace {

// Resident memory of this process, in bytes.
std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

class Text {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    text_ += fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
    name_ = name;
  }
  // `labels` with braces, or empty.
  template <class Number>
  void value(std::string_view labels, Number number) {
    text_ += fmt::format("{}{} {}\n", name_, labels, number);
  }
  template <class Number>
  void only(std::string_view name, std::string_view type, std::string_view help, Number number) {
    family(name, type, help);
    value("", number);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

Response get_metrics(ServiceParts& parts, std::size_t sockets) {
  const store::JobCounts counts = parts.jobs.counts();
  const bool running = parts.queue.running() != nullptr;
  const std::size_t remaining = parts.jobs.remaining();
  Text text;
  text.family("obscura_build_info", "gauge", "The version, as a label; always 1.");
  text.value(fmt::format("{{version=\"{}\"}}", parts.studio.version()), 1);
  text.family("obscura_jobs", "gauge", "Jobs that are not over, by state.");
  text.value("{state=\"queued\"}", remaining - (running && remaining > 0 ? 1 : 0));
  text.value("{state=\"running\"}", running ? 1 : 0);
  text.only("obscura_queue_paused", "gauge", "1 while no more jobs are started.",
            parts.queue.paused() ? 1 : 0);
  text.only("obscura_jobs_submitted_total", "counter", "Jobs that came since the start.",
            counts.submitted);
  text.family("obscura_jobs_finished_total", "counter", "Jobs that ended since the start, by how.");
  text.value("{state=\"done\"}", counts.done);
  text.value("{state=\"failed\"}", counts.failed);
  text.value("{state=\"cancelled\"}", counts.cancelled);
  text.only("obscura_job_seconds_total", "counter", "Seconds that jobs have run since the start.",
            counts.seconds);
  text.family("obscura_http_responses_total", "counter", "Answers since the start, by status.");
  for (int hundred = 1; hundred <= 5; ++hundred) {
    text.value(fmt::format("{{code=\"{}xx\"}}", hundred),
               parts.requests.by_hundred[hundred].load(std::memory_order_relaxed));
  }
  text.only("obscura_websockets", "gauge", "Open WebSockets.", sockets);
  text.only("process_resident_memory_bytes", "gauge", "Resident memory of the process.",
            resident_bytes());
  Response response;
  response.type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = text.take();
  return response;
}

}  // namespace

void add_metrics_route(Router& router, ServiceParts& parts,
                       std::function<std::size_t()> count_sockets) {
  router.add(
      "GET", "/metrics",
      [&parts, count = std::move(count_sockets)](const Request&, const Captures&) {
        return get_metrics(parts, count());
      },
      Role::kOwner);
}

}  // namespace obscura::server
