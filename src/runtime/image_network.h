// A network from one image to another that runs within the budget whatever the image's size.
//
// Where the whole does not fit, it is run in segments, each image between two of them held in host
// memory; where a segment does not fit, in strips of rows. Strips give exactly the rows of the
// whole: they read the rows around them, and group norms take their statistics from all strips,
// found in passes of their own. So an image has no seams, and what a smaller budget costs is time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "ir/strip.h"
#include "runtime/session.h"
#include "tensor/tensor.h"

namespace obscura::runtime {

class ImageNetwork {
 public:
  // Plans without loading a weight. `key` as in Session::program. REQUIRES: the graph has one input
  // and one output, both (1, H, W, C). kOutOfMemory if not even strips of a few rows fit.
  static Result<ImageNetwork> plan(Session& session, const std::string& key,
                                   std::shared_ptr<WeightStore> weights, ir::Graph graph);

  // Where the Session's budget is no longer the one planned for and a step does not fit it, in
  // smaller steps.
  Result<Tensor> run(Session& session, const Tensor& image, const CancelToken& cancel) const;

  struct Step {
    ir::Segment segment;
    std::int64_t strip_rows = 0;  // 0: the segment as a whole
    std::size_t peak_bytes = 0;   // of its Program and the images on both sides of it
  };
  const std::vector<Step>& steps() const { return steps_; }
  std::size_t peak_bytes() const;

 private:
  ImageNetwork(std::string key, std::shared_ptr<WeightStore> weights, ir::Graph graph)
      : key_(std::move(key)), weights_(std::move(weights)), graph_(std::move(graph)) {}

  Status choose_steps(Session& session);
  Result<Tensor> run_steps(Session& session, const Tensor& image, const CancelToken& cancel) const;
  // The step that runs the segment within the budget, as a whole or in the tallest strips that fit.
  Result<Step> fit(Session& session, const ir::Segment& segment) const;
  // The most that any strip of the segment's output or statistics needs.
  Result<std::size_t> strips_peak(Session& session, const ir::Segment& segment,
                                  std::int64_t rows) const;
  // Rows of a statistics strip: as many strips as the output has.
  std::int64_t statistics_rows(const ir::Segment& segment, std::size_t node,
                               std::int64_t rows) const;
  std::size_t image_bytes(const ir::Segment& segment) const;
  Result<Program*> program(Session& session, const ir::Segment& segment, ir::Graph part) const;

  Result<Tensor> run_strips(Session& session, const Step& step, const Tensor& image,
                            const CancelToken& cancel) const;
  // Runs one strip into `result`.
  using Statistics = std::vector<std::pair<std::string, Tensor>>;  // by input name
  Status run_strip(Session& session, const Step& step, ir::Strip strip, const Tensor& image,
                   const Statistics& known, std::span<float> result,
                   const CancelToken& cancel) const;
  Result<Tensor> statistics(Session& session, const Step& step, std::size_t node,
                            const Tensor& image, const Statistics& known,
                            const CancelToken& cancel) const;

  std::string key_;
  std::shared_ptr<WeightStore> weights_;
  ir::Graph graph_;
  std::vector<Step> steps_;
  std::size_t budget_ = 0;  // for which they were chosen
};

}  // namespace obscura::runtime
