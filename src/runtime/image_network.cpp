#include "runtime/image_network.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "ir/group_norm.h"

namespace obscura::runtime {
namespace {

// Fewer rows than this are nearly all border.
constexpr std::int64_t kFewestRows = 8;

// The strip that begins at `row` of `height` rows.
ir::Rows strip_at(std::int64_t row, std::int64_t rows, std::int64_t height) {
  return {row, std::min(row + rows, height)};
}

// Means and variances of all strips as those of the image.
class Moments {
 public:
  explicit Moments(std::size_t channels) : means_(channels), squares_(channels) {}

  // `strip` holds the channels' means, then their variances, over `pixels` pixels.
  void add(std::span<const float> strip, double pixels) {
    double total = pixels_ + pixels;
    for (std::size_t c = 0; c < means_.size(); ++c) {
      double offset = strip[c] - means_[c];
      means_[c] += offset * pixels / total;
      squares_[c] += strip[means_.size() + c] * pixels + offset * offset * pixels_ * pixels / total;
    }
    pixels_ = total;
  }

  const std::vector<double>& means() const { return means_; }
  std::vector<double> variances() const {
    std::vector<double> variances = squares_;
    for (double& value : variances) value /= pixels_;
    return variances;
  }

 private:
  double pixels_ = 0;
  std::vector<double> means_, squares_;
};

}  // namespace

Result<ImageNetwork> ImageNetwork::plan(Session& session, const std::string& key,
                                        std::shared_ptr<WeightStore> weights, ir::Graph graph) {
  OBSCURA_CHECK(graph.inputs.size() == 1 && graph.outputs.size() == 1,
                graph.name + " is not from image to image");
  OBSCURA_ASSIGN(ir::Graph rewritten, session.device().rewrite(std::move(graph)));
  ImageNetwork network(key, std::move(weights), std::move(rewritten));
  OBSCURA_TRY(network.choose_steps(session));
  return network;
}

std::size_t ImageNetwork::peak_bytes() const {
  std::size_t peak = 0;
  for (const Step& step : steps_) peak = std::max(peak, step.peak_bytes);
  return peak;
}

std::size_t ImageNetwork::image_bytes(const ir::Segment& segment) const {
  return graph_.type(segment.input).bytes() + graph_.type(segment.output).bytes();
}

Result<Program*> ImageNetwork::program(Session& session, const ir::Segment& segment,
                                       ir::Graph part) const {
  // Strips in the middle of an image are alike: the graph itself is the key.
  std::string key =
      fmt::format("{} part {} beside {}", key_, cache_key(part.text()), image_bytes(segment));
  return session.program(
      key, weights_, [&]() -> Result<ir::Graph> { return std::move(part); }, image_bytes(segment));
}

Status ImageNetwork::choose_steps(Session& session) {
  budget_ = session.budget();
  ir::Segment whole{0, graph_.nodes.size(), graph_.inputs[0], graph_.outputs[0].value};
  Result<Step> step = fit(session, whole);
  if (step.ok() && step->strip_rows == 0) {
    steps_ = {*step};
    return {};
  }
  // From each image on, the shortest stretch that fits: the longer it is, the more its strips
  // compute twice. Where none fits from there on, the image itself is too large to be held, and the
  // stretch before it grows over it.
  const std::vector<ir::Segment> all = ir::segments(graph_);
  std::vector<std::size_t> ends;  // of each chosen stretch, as an index into `all`
  std::size_t begin = 0, least = 1;
  while (begin < all.size()) {
    bool found = false;
    for (std::size_t end = begin + least; end <= all.size() && !found; ++end) {
      step = fit(session, ir::join(all[begin], all[end - 1]));
      if (!step.ok() && step.error().kind() != ErrorKind::kOutOfMemory) return step.error();
      if (!step.ok()) continue;
      found = true;
      steps_.push_back(*step);
      ends.push_back(end);
    }
    if (!found && steps_.empty()) return step.error();
    if (found) {
      begin = ends.back();
      least = 1;
    } else {
      std::size_t end = ends.back();
      steps_.pop_back();
      ends.pop_back();
      begin = ends.empty() ? 0 : ends.back();
      least = end - begin + 1;
    }
  }
  return {};
}

Result<ImageNetwork::Step> ImageNetwork::fit(Session& session, const ir::Segment& segment) const {
  Result<Program*> made = program(session, segment, ir::segment_graph(graph_, segment));
  if (made.ok()) return Step{segment, 0, (*made)->plan().peak_bytes() + image_bytes(segment)};
  if (made.error().kind() != ErrorKind::kOutOfMemory || !ir::can_run_in_strips(graph_, segment))
    return made.error();
  std::int64_t height = graph_.type(segment.output).shape[1];
  for (std::int64_t rows = (height + 1) / 2; rows >= std::min(kFewestRows, height); rows /= 2) {
    Result<std::size_t> strips = strips_peak(session, segment, rows);
    if (strips.ok()) return Step{segment, rows, *strips};
    if (strips.error().kind() != ErrorKind::kOutOfMemory) return strips.error();
    if (rows == 1) break;
  }
  return made.error();
}

Result<std::size_t> ImageNetwork::strips_peak(Session& session, const ir::Segment& segment,
                                              std::int64_t rows) const {
  // A strip in the middle reads the most, on both sides.
  auto middle = [](std::int64_t strip, std::int64_t height) {
    return strip_at(height / strip > 2 ? strip : 0, strip, height);
  };
  std::int64_t height = graph_.type(segment.output).shape[1];
  std::vector<ir::Graph> parts = {ir::output_strip(graph_, segment, middle(rows, height)).graph};
  for (std::size_t node : ir::stats_nodes(graph_, segment)) {
    ir::Rows strip = middle(statistics_rows(segment, node, rows),
                            graph_.type(graph_.nodes[node].inputs[0]).shape[1]);
    parts.push_back(ir::moments_strip(graph_, segment, node, strip).graph);
  }
  std::size_t peak = 0;
  for (ir::Graph& part : parts) {
    OBSCURA_ASSIGN(Program * made, program(session, segment, std::move(part)));
    peak = std::max(peak, made->plan().peak_bytes() + image_bytes(segment));
  }
  return peak;
}

std::int64_t ImageNetwork::statistics_rows(const ir::Segment& segment, std::size_t node,
                                           std::int64_t rows) const {
  std::int64_t height = graph_.type(graph_.nodes[node].inputs[0]).shape[1];
  return std::max<std::int64_t>(1, height * rows / graph_.type(segment.output).shape[1]);
}

Result<Tensor> ImageNetwork::run(Session& session, const Tensor& image,
                                 const CancelToken& cancel) const {
  Result<Tensor> result = run_steps(session, image, cancel);
  std::size_t budget = budget_;
  while (!result.ok() && result.error().kind() == ErrorKind::kOutOfMemory &&
         session.budget() != budget) {
    budget = session.budget();
    ImageNetwork other(key_, weights_, graph_);
    OBSCURA_TRY(other.choose_steps(session));
    result = other.run_steps(session, image, cancel);
  }
  return result;
}

Result<Tensor> ImageNetwork::run_steps(Session& session, const Tensor& image,
                                       const CancelToken& cancel) const {
  Tensor current = image;
  for (const Step& step : steps_) {
    if (step.strip_rows > 0) {
      OBSCURA_ASSIGN(current, run_strips(session, step, current, cancel));
      continue;
    }
    OBSCURA_ASSIGN(Program * whole,
                   program(session, step.segment, ir::segment_graph(graph_, step.segment)));
    Tensor result(graph_.type(step.segment.output).shape);
    backend::InputBinding in{"x", std::as_bytes(current.values())};
    backend::OutputBinding out{"y", std::as_writable_bytes(result.values())};
    OBSCURA_TRY(session.run(*whole, std::span(&in, 1), std::span(&out, 1), cancel));
    current = result;
  }
  return current;
}

Result<Tensor> ImageNetwork::run_strips(Session& session, const Step& step, const Tensor& image,
                                        const CancelToken& cancel) const {
  Statistics known;
  for (std::size_t node : ir::stats_nodes(graph_, step.segment)) {
    OBSCURA_ASSIGN(Tensor stats, statistics(session, step, node, image, known, cancel));
    known.emplace_back("stats" + std::to_string(node), stats);
  }
  Tensor result(graph_.type(step.segment.output).shape);
  const Shape& shape = result.shape();
  std::size_t row_size = static_cast<std::size_t>(shape[2] * shape[3]);
  for (std::int64_t row = 0; row < shape[1]; row += step.strip_rows) {
    ir::Rows rows = strip_at(row, step.strip_rows, shape[1]);
    std::span<float> part =
        result.values().subspan(static_cast<std::size_t>(rows.begin) * row_size,
                                static_cast<std::size_t>(rows.count()) * row_size);
    OBSCURA_TRY(run_strip(session, step, ir::output_strip(graph_, step.segment, rows), image, known,
                          part, cancel));
  }
  return result;
}

Result<Tensor> ImageNetwork::statistics(Session& session, const Step& step, std::size_t node,
                                        const Tensor& image, const Statistics& known,
                                        const CancelToken& cancel) const {
  const ir::Node& stats = graph_.nodes[node];
  const auto& op = dynamic_cast<const ir::GroupStatsOp&>(*stats.op);
  const Shape& shape = graph_.type(stats.inputs[0]).shape;
  auto channels = static_cast<std::size_t>(shape[3]);
  std::int64_t height = shape[1], rows = statistics_rows(step.segment, node, step.strip_rows);
  Moments moments(channels);
  std::vector<float> part(2 * channels);
  for (std::int64_t row = 0; row < height; row += rows) {
    ir::Rows strip = strip_at(row, rows, height);
    OBSCURA_TRY(run_strip(session, step, ir::moments_strip(graph_, step.segment, node, strip),
                          image, known, part, cancel));
    moments.add(part, static_cast<double>(strip.count() * shape[2]));
  }
  std::vector<float> gamma(channels), beta(channels);
  OBSCURA_TRY(weights_->read(*graph_.value(stats.inputs[1]).weight, gamma.data()));
  OBSCURA_TRY(weights_->read(*graph_.value(stats.inputs[2]).weight, beta.data()));
  Tensor result(graph_.type(stats.output()).shape);
  ir::group_scale_shift(moments.means(), moments.variances(), op.groups, op.eps, gamma.data(),
                        beta.data(), result.data());
  return result;
}

Status ImageNetwork::run_strip(Session& session, const Step& step, ir::Strip strip,
                               const Tensor& image, const Statistics& known,
                               std::span<float> result, const CancelToken& cancel) const {
  ir::Rows rows = strip.source;
  OBSCURA_ASSIGN(Program * made, program(session, step.segment, std::move(strip.graph)));
  std::size_t row_size = static_cast<std::size_t>(image.shape()[2] * image.shape()[3]);
  std::span<const float> source =
      image.values().subspan(static_cast<std::size_t>(rows.begin) * row_size,
                             static_cast<std::size_t>(rows.count()) * row_size);
  std::vector<backend::InputBinding> inputs = {{"x", std::as_bytes(source)}};
  for (const auto& [name, tensor] : known) inputs.push_back({name, std::as_bytes(tensor.values())});
  backend::OutputBinding output{"y", std::as_writable_bytes(result)};
  return session.run(*made, inputs, std::span(&output, 1), cancel);
}

}  // namespace obscura::runtime
