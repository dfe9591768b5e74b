// UniPC (Zhao et al., arXiv:2302.04867), data prediction, multistep, of order up to 3, in the
// scaling x0 + sigma * noise.
//
// Each step predicts with the predictions known so far, asks the denoiser there, and corrects with
// its answer; the last step is not corrected. As in ComfyUI a final sigma of 0 is taken as 0.001,
// where log sigma is finite.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "diffusion/samplers/families.h"
#include "diffusion/samplers/solver.h"

namespace obscura::diffusion {
namespace {

constexpr int kMaxOrder = 3;
using Row = std::array<double, kMaxOrder>;

struct Known {
  double lambda;  // -log sigma
  Tensor x0;
};

// Solves matrix * solution = right for the leading `size` rows and columns. The matrix is of
// Vandermonde type over different nodes, hence regular.
Row solve_linear(std::array<Row, kMaxOrder> matrix, Row right, int size) {
  auto at = [](int i) { return static_cast<std::size_t>(i); };
  for (int column = 0; column < size; ++column) {
    int pivot = column;
    for (int row = column + 1; row < size; ++row) {
      if (std::fabs(matrix[at(row)][at(column)]) > std::fabs(matrix[at(pivot)][at(column)]))
        pivot = row;
    }
    std::swap(matrix[at(column)], matrix[at(pivot)]);
    std::swap(right[at(column)], right[at(pivot)]);
    for (int row = column + 1; row < size; ++row) {
      double factor = matrix[at(row)][at(column)] / matrix[at(column)][at(column)];
      for (int k = column; k < size; ++k)
        matrix[at(row)][at(k)] -= factor * matrix[at(column)][at(k)];
      right[at(row)] -= factor * right[at(column)];
    }
  }
  Row solution{};
  for (int row = size - 1; row >= 0; --row) {
    double sum = right[at(row)];
    for (int k = row + 1; k < size; ++k) sum -= matrix[at(row)][at(k)] * solution[at(k)];
    solution[at(row)] = sum / matrix[at(row)][at(row)];
  }
  return solution;
}

// The coefficients of one step of a given order.
struct Coefficients {
  Row nodes{};  // where the earlier predictions lie, in units of the step; then the step's end, 1
  Row predictor{};  // weights of the differences to the newest prediction, each over its node
  Row corrector{};  // the same with the step's end included
  double phi_1;     // e^-h - 1
  double b_h;       // the paper's B(h)
};

Coefficients coefficients(const std::vector<Known>& history, double lambda, int order, bool bh2) {
  auto at = [](int i) { return static_cast<std::size_t>(i); };
  Coefficients result;
  double newest = history.back().lambda;
  double h = lambda - newest;
  for (int k = 1; k < order; ++k) {
    result.nodes[at(k - 1)] = (history[history.size() - 1 - at(k)].lambda - newest) / h;
  }
  result.nodes[at(order - 1)] = 1;
  result.phi_1 = std::expm1(-h);
  result.b_h = bh2 ? result.phi_1 : -h;

  std::array<Row, kMaxOrder> matrix{};
  Row right{};
  double phi = result.phi_1 / -h - 1, factorial = 1;
  for (int row = 0; row < order; ++row) {
    for (int k = 0; k < order; ++k) matrix[at(row)][at(k)] = std::pow(result.nodes[at(k)], row);
    right[at(row)] = phi * factorial / result.b_h;
    factorial *= row + 2;
    phi = phi / -h - 1 / factorial;
  }
  // The paper's own simplifications at low order (its section 3.3).
  if (order == 2) result.predictor[0] = 0.5;
  if (order == 3) result.predictor = solve_linear(matrix, right, order - 1);
  result.corrector = order == 1 ? Row{0.5} : solve_linear(matrix, right, order);
  return result;
}

// x_next = kept * x - phi_1 * x0 - B(h) * sum of weight_k / node_k * (prediction_k - x0)
Tensor step_with(const Tensor& x, double kept, const Coefficients& c, const Row& weights,
                 const std::vector<Known>& history, int order, const Tensor* end_prediction) {
  const Tensor& newest = history.back().x0;
  std::vector<Term> terms = {{kept, x}};
  double newest_weight = -c.phi_1;
  auto add_difference = [&](double weight, const Tensor& prediction) {
    terms.push_back({-c.b_h * weight, prediction});
    newest_weight += c.b_h * weight;
  };
  for (std::size_t k = 0; k + 1 < static_cast<std::size_t>(order); ++k) {
    add_difference(weights[k] / c.nodes[k], history[history.size() - 2 - k].x0);
  }
  if (end_prediction != nullptr)
    add_difference(weights[static_cast<std::size_t>(order) - 1], *end_prediction);
  terms.push_back({newest_weight, newest});
  return weighted_sum(terms);
}

Result<Tensor> solve_uni_pc(Solver& run, Tensor x, bool bh2) {
  int steps = run.steps();
  int highest_order = std::max(1, std::min(kMaxOrder, steps - 1));
  std::vector<Known> history;
  OBSCURA_ASSIGN(Denoised first, run.begin_step(0, x));
  history.push_back({-std::log(run.sigma(0)), first.x0});
  for (int i = 1; i <= steps; ++i) {
    int order = std::min({highest_order, i, steps + 1 - i});
    double sigma = run.sigma(i) > 0 ? run.sigma(i) : 0.001;
    double lambda = -std::log(sigma);
    double kept = sigma / std::exp(-history.back().lambda);
    Coefficients c = coefficients(history, lambda, order, bh2);
    Tensor predicted = step_with(x, kept, c, c.predictor, history, order, nullptr);
    if (i == steps) return predicted;
    OBSCURA_ASSIGN(Denoised denoised, run.denoise(predicted, sigma));
    x = step_with(x, kept, c, c.corrector, history, order, &denoised.x0);
    OBSCURA_TRY(run.report(i, sigma, x, denoised.x0));
    history.push_back({lambda, denoised.x0});
    if (history.size() > kMaxOrder) history.erase(history.begin());
  }
  return x;
}

}  // namespace

Result<Tensor> solve_uni_pc(Solver& run, Tensor x) {
  return solve_uni_pc(run, std::move(x), false);
}
Result<Tensor> solve_uni_pc_bh2(Solver& run, Tensor x) {
  return solve_uni_pc(run, std::move(x), true);
}

}  // namespace obscura::diffusion
