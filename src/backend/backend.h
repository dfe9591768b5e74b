// The door to a device. A backend is a folder behind it: probe, create, describe, and lower a
// graph.
//
//   graph -> passes -> Device::lower -> Executable (knows what each node needs)
//         -> plan::make_plan -> Executable::load (places the plan in memory) -> run, run, run
//
// Thread safety: one thread at a time uses a Device and the Executables that it made.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backend/memory.h"
#include "base/cancel.h"
#include "base/result.h"
#include "ir/graph.h"
#include "plan/plan.h"

namespace obscura::backend {

// Where a backend reads stored weights from; the runtime's WeightStore is one.
class WeightReader {
 public:
  virtual ~WeightReader() = default;
  // Writes the weight's elements, widened to float32, to `target` (spec.shape.elements() floats).
  virtual Status read(const ir::WeightSpec& spec, float* target) = 0;
  // The parts of a weight as they are stored, one after the other, where they are mapped memory
  // that nothing changes on the way; empty otherwise. The device may then convert them itself.
  struct StoredPart {
    DType dtype = DType::kF32;
    std::span<const std::byte> bytes;
  };
  virtual std::vector<StoredPart> stored(const ir::WeightSpec& spec) {
    static_cast<void>(spec);
    return {};
  }
  // Says that the stored parts' memory was read and can be given back to the system. An error if
  // what was read may not have been what is stored.
  virtual Status done_with(std::span<const StoredPart> parts) {
    static_cast<void>(parts);
    return {};
  }
  // Equal identities mean equal elements: with its shape and form, the key under which devices
  // share a prepared weight.
  virtual std::string identity(const ir::WeightSpec& spec) const = 0;
};

// `bytes` are the caller's, or memory of the device (Device::allocate): what one run leaves there,
// another takes up. A steady input on the device counts as changed with every run.
struct InputBinding {
  std::string_view name;
  std::span<const std::byte> bytes;
  bool on_device = false;
};

struct OutputBinding {
  std::string_view name;
  std::span<std::byte> bytes;
  bool on_device = false;
};

// Told of a prepared weight or a parameter: something that is the same for all that share it, and
// its bytes.
using HeldVisitor = std::function<void(const void* held, std::size_t bytes)>;

class ParameterStore;

// A graph with a kernel for each node. Holds its weights from load() to unload() or destruction,
// and the content of its parameters for as long as it lives.
class Executable {
 public:
  virtual ~Executable() = default;

  virtual const ir::Graph& graph() const = 0;
  virtual const std::vector<plan::NodeNeeds>& needs() const = 0;
  // How its plans are to be made.
  virtual plan::Layout layout() const { return {}; }

  // Allocates what the plan says and prepares the resident weights. On failure nothing stays
  // allocated.
  virtual Status load(plan::Plan plan, WeightReader& weights) = 0;
  virtual void unload() = 0;
  virtual bool loaded() const = 0;
  // Bytes that loading the plan would add to the weights and parameters that the device holds for
  // this or another Executable.
  virtual std::size_t missing_bytes(const plan::Plan& plan, const WeightReader& weights) const = 0;
  // Holds on to what there is already of the plan's weights, until load() or unload(): those who
  // hold them now can then be unloaded without their being prepared anew.
  virtual void keep_weights(const plan::Plan& plan, const WeightReader& weights) = 0;
  // Every prepared weight and every parameter that it holds on the device, while it is loaded.
  virtual void visit_held(const HeldVisitor& visit) const = 0;

  // Its parameters are from now on those of the store (backend/parameter_store.h), by their names:
  // whoever shares it reads what others wrote. Until then they are its own. REQUIRES: !loaded().
  virtual void bind_parameters(std::shared_ptr<ParameterStore> store) = 0;
  // The content of the graph's parameter `name`, which has so many bytes; zeros at first. What is
  // unloaded keeps its parameters in the host's memory.
  virtual Status write_parameter(std::string_view name, std::span<const std::byte> bytes) = 0;
  virtual Status read_parameter(std::string_view name, std::span<std::byte> bytes) = 0;

  // Bindings name every input and output of the graph, with exactly their sizes. REQUIRES:
  // loaded(). kNumeric, naming the op, if an output is not finite; kCancelled if `cancel` was set
  // meanwhile. After any error the parameters that the graph assigns hold anything.
  virtual Status run(std::span<const InputBinding> inputs, std::span<const OutputBinding> outputs,
                     const CancelToken& cancel) = 0;

  // Seconds of one run by node, for `bench --profile`. Same requirements as run().
  virtual Result<std::vector<double>> profile(std::span<const InputBinding> inputs,
                                              std::span<const OutputBinding> outputs) = 0;
  // What the last run cost the host before it only waited: 0 where the host itself computes.
  virtual double launch_seconds() const { return 0; }
};

// What computes: a processor, a graphics card, or a program that plays one (Mesa's lavapipe).
enum class DeviceKind { kCpu, kGpu, kSoftware };
// "cpu", "gpu", "software".
std::string_view name_of(DeviceKind kind);

struct DeviceDescription {
  std::string name;  // "cpu", "cuda:0"
  DeviceKind kind = DeviceKind::kCpu;
  int rank = 0;                         // "auto" tries devices of higher rank first
  std::string hardware;                 // "Intel(R) Xeon(R) …, 2 threads, AVX-512"
  std::string libraries;                // "oneDNN 2.6.3": with the kernel set, part of a recipe
  std::string kernel_set;               // changes when our own kernels may give other bits
  std::vector<std::string> precisions;  // names that --precision takes
  std::size_t total_bytes = 0;
  std::size_t available_bytes = 0;  // now, for a new job, with some left for the system
  // Operations a second in whole networks in its first precision: an estimate from the device's
  // units, not a measurement. 0 if there is none.
  double estimated_flops = 0;
};

// Why something that is there cannot be used, and what to do about it.
struct Trouble {
  std::string what, remedy;
};

// Of a device whose libraries offer several algorithms for one piece of work.
class KernelChooser {
 public:
  virtual ~KernelChooser() = default;
  // While `on`, work that is not on record is measured when a graph is lowered, and the fastest
  // algorithm goes on record.
  virtual void tune(bool on) = 0;
  // What is on record, as the text of a file that the device can be told to read (docs/gpu.md).
  virtual std::string choices() const = 0;
};

class Device {
 public:
  virtual ~Device() = default;

  virtual DeviceDescription describe() const = 0;
  // The graph with this device's fusions; rewriting twice changes nothing more.
  virtual Result<ir::Graph> rewrite(ir::Graph graph) = 0;
  // Rewrites the graph and finds a kernel for each node.
  virtual Result<std::unique_ptr<Executable>> lower(ir::Graph graph) = 0;
  // Memory of the device for what runs leave to one another; of the caller, and counted by nobody.
  virtual Result<MemoryPtr> allocate(std::size_t bytes) = 0;
  // Memory held now by the arena; and by prepared weights and the parameters of what is loaded.
  virtual std::size_t arena_bytes() const = 0;
  virtual std::size_t weight_bytes() const = 0;
  std::size_t held_bytes() const { return arena_bytes() + weight_bytes(); }
  // Gives the arena back to the system (weights stay with their Executables).
  virtual void release_arena() = 0;
  // nullptr where kernels are not chosen by measurement.
  virtual KernelChooser* chooser() { return nullptr; }
};

// One entry for each backend in the program; backends register themselves.
struct BackendInfo {
  std::string name;  // "cpu", "cuda"
  std::function<std::vector<DeviceDescription>()>
      probe;  // the devices that are there now; empty is no error
  // What keeps devices of this kind from being in that list; empty where none is there at all.
  std::function<std::vector<Trouble>()> diagnose = [] { return std::vector<Trouble>(); };
  // By position in probe()'s list; `precision` is one of those of the description, or empty for
  // the one that comes first there.
  std::function<Result<std::unique_ptr<Device>>(int index, const std::string& precision)> create;
};

void register_backend(BackendInfo info);
const std::vector<BackendInfo>& backends();

// The devices that "auto" tries, one after the other, as positions in `devices`: by rank, those of
// one rank by name, and none that is software. In which order they are given makes no difference.
std::vector<std::size_t> auto_order(std::span<const DeviceDescription> devices);

// By the name of a device ("cpu", "cuda:1") or of a backend, for its first; or "auto": the first of
// auto_order() that has the precision and, unless it is the CPU, passes self_check(). `precision`
// as in the device's description; empty for its first. kInvalidInput lists what there is.
Result<std::unique_ptr<Device>> create_device(const std::string& name,
                                              const std::string& precision = "");

}  // namespace obscura::backend
