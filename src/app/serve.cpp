// `obscura serve`: the service, with the engine behind it.
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>

#include "app/command.h"
#include "app/engine.h"
#include "app/render_job.h"
#include "app/version.h"
#include "io/image.h"
#include "io/png.h"
#include "io/safetensors.h"
#include "nodes/output_folder.h"
#include "server/access.h"
#include "server/service.h"

namespace obscura::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

// Runs the service's jobs on the engine, and answers its questions about it.
class EngineStudio final : public server::Studio, public server::JobRunner {
 public:
  explicit EngineStudio(Engine& engine)
      : engine_(engine), device_(engine.session().device().describe()) {}

  Status run(const server::JobToRun& job, graph::Observer& observer,
             const CancelToken& cancel) override {
    OBSCURA_ASSIGN(graph::Workflow workflow, graph::Workflow::from_json(job.prompt));
    const graph::Validation validation =
        graph::validate(workflow, nodes(), environment(), {.targets = job.targets});
    if (!validation.runnable()) return validation.to_error();
    auto report = engine_.run(validation, job.extra_pnginfo, observer, cancel);
    return report.ok() ? Status() : Status(report.error());
  }

  void release(bool models, bool results) override {
    if (results) engine_.forget_results();
    if (models) engine_.session().free_memory();
  }

  const graph::NodeRegistry& nodes() const override { return graph::NodeRegistry::builtin(); }
  const graph::Environment& environment() const override { return engine_.environment(); }
  std::string version() const override { return std::string(app::version()); }
  std::vector<std::string> model_kinds() const override { return nodes::ModelFolders::kinds(); }

  std::vector<server::ModelEntry> models(std::string_view kind) const override {
    std::vector<server::ModelEntry> entries;
    for (std::string& name : engine_.models().list(kind)) {
      auto path = engine_.models().find(kind, name);
      entries.push_back({std::move(name), path.ok() ? std::optional(*path) : std::nullopt});
    }
    return entries;
  }

  Result<json> model_metadata(std::string_view kind, std::string_view name) const override {
    OBSCURA_ASSIGN(fs::path path, engine_.models().find(kind, name));
    OBSCURA_ASSIGN(io::SafetensorsFile file, io::SafetensorsFile::open(path));
    if (file.metadata().empty()) {
      return Error(ErrorKind::kNotFound, fmt::format("{} has no metadata", name));
    }
    return json(file.metadata());
  }

  ordered_json devices() const override {
    return {{{"name", device_.name + " " + device_.hardware},
             {"type", device_.name.substr(0, device_.name.find(':'))},
             {"index", 0},
             {"vram_total", device_.total_bytes},
             {"vram_free", device_.available_bytes},
             {"torch_vram_total", 0},
             {"torch_vram_free", 0}}};
  }

  Result<std::string> with_alpha(std::string_view picture, std::string_view mask) const override;

 private:
  Engine& engine_;
  // As it was at the start: a Device is the running job's alone.
  backend::DeviceDescription device_;
};

Result<io::Image> decode(std::string_view bytes, const std::string& name) {
  return io::decode_image(std::as_bytes(std::span(bytes)), name);
}

Result<std::string> EngineStudio::with_alpha(std::string_view picture,
                                             std::string_view mask) const {
  OBSCURA_ASSIGN(io::Image original, decode(picture, "the original picture"));
  OBSCURA_ASSIGN(io::Image masking, decode(mask, "the mask"));
  const std::int64_t height = original.pixels.shape()[0], width = original.pixels.shape()[1];
  const std::int64_t mask_height = masking.pixels.shape()[0],
                     mask_width = masking.pixels.shape()[1];
  if (mask_height != height || mask_width != width) {
    return Error(ErrorKind::kInvalidInput,
                 fmt::format("wanted a mask of {}x{}, as the picture, found {}x{}", width, height,
                             mask_width, mask_height));
  }
  if (masking.pixels.shape()[2] != 4) {
    return Error(ErrorKind::kInvalidInput, "wanted a mask with an alpha channel, found none");
  }
  Tensor joined = Tensor::filled(Shape{height, width, 4}, 1.0F);
  const std::int64_t channels = original.pixels.shape()[2];
  for (std::int64_t i = 0; i < height * width; ++i) {
    for (std::int64_t c = 0; c < 3; ++c)
      joined.data()[i * 4 + c] = original.pixels.data()[i * channels + c];
    joined.data()[i * 4 + 3] = masking.pixels.data()[i * 4 + 3];
  }
  OBSCURA_ASSIGN(std::vector<std::byte> bytes, io::encode_png(joined, original.metadata));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

struct ServeOptions {
  EngineFlags engine;
  std::string listen = "127.0.0.1:8188";
  std::string data;
  std::string token;
};

// $XDG_DATA_HOME/obscura, beside the models.
Result<fs::path> default_data_folder() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data != '\0')
    return fs::path(data) / "obscura";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return fs::path(home) / ".local/share/obscura";
  return Error(ErrorKind::kInvalidInput, "wanted --data DIR: there is no $HOME to keep it in");
}

// Ctrl-C and SIGTERM, waited for in place of handled: blocked here and in every thread made later.
sigset_t block_stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

Status serve(const ServeOptions& options) {
  const sigset_t signals = block_stop_signals();
  server::ServiceOptions service_options;
  auto listen = server::parse_listen_address(options.listen);
  if (!listen.ok()) return listen.error().in("--listen");
  service_options.listen = *listen;
  service_options.token = options.token;
  // Refused before anything is made.
  OBSCURA_TRY(server::Access::create(*listen, options.token));
  if (options.data.empty()) {
    OBSCURA_ASSIGN(service_options.data, default_data_folder());
  } else {
    service_options.data = options.data;
  }
  OBSCURA_ASSIGN(EngineOptions engine_options,
                 options.engine.options(service_options.data / "input"));
  engine_options.output = service_options.data / "output";
  engine_options.temporary = service_options.data / "temp";
  nodes::OutputFolder folder(
      {.root = engine_options.output, .temporary = engine_options.temporary});
  OBSCURA_ASSIGN(std::unique_ptr<Engine> engine, Engine::open(engine_options, folder));
  EngineStudio studio(*engine);
  OBSCURA_ASSIGN(auto service, server::Service::open(service_options, studio, studio));

  const bool v6 = listen->address.find(':') != std::string::npos;
  fmt::print("Obscura listens at http://{}{}{}:{}\n", v6 ? "[" : "", listen->address, v6 ? "]" : "",
             service->port());
  std::fflush(stdout);
  std::thread thread([&] { service->run(); });
  int signal = 0;
  sigwait(&signals, &signal);
  // A second one ends the program at once.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  fmt::print(stderr, "stopping; a job that runs will run again at the next start\n");
  service->stop();
  thread.join();
  return {};
}

const RegisterCommand kServe(15, [](CLI::App& app, std::function<Status()>& action) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand(
      "serve", "Answer ComfyUI's API over HTTP and WebSocket, and run the jobs that come in");
  command->add_option("--listen", options->listen, "ADDRESS:PORT; port 0 takes any free one")
      ->capture_default_str();
  command->add_option("--data", options->data,
                      "Folder of the queue and of the pictures (input, output, temp, user); a "
                      "ComfyUI folder will do. Without it: ~/.local/share/obscura");
  command
      ->add_option("--token", options->token,
                   "What clients must send as `Authorization: Bearer TOKEN` or `?token=TOKEN`; "
                   "needed to listen beyond this machine")
      ->envname("OBSCURA_TOKEN");
  options->engine.declare(*command);
  command->remove_option(command->get_option("--input"));
  command->footer(
      "Examples:\n"
      "  obscura serve\n"
      "  obscura serve --data ~/ComfyUI --models ~/ComfyUI --budget 8GiB\n"
      "  OBSCURA_TOKEN=… obscura serve --listen 0.0.0.0:8188");
  command->callback([options, &action] { action = [options] { return serve(*options); }; });
});

}  // namespace
}  // namespace obscura::app
