// The label vector that a U-Net takes beside the text: the pooled text state, and numbers about the
// image as sinusoids.
#pragma once

#include <span>

#include "base/result.h"
#include "pipeline/conditioning.h"
#include "pipeline/model.h"
#include "tensor/tensor.h"

namespace obscura::pipeline {

// (1, pooled + LabelRule::kFeatures a number).
Tensor label_vector(const Tensor& pooled, std::span<const double> numbers);

// A condition's for a latent (…, h, w), (1, label_width): sizes and, if its family has one, an
// aesthetic score. Empty if the model takes none. kInvalidInput if the pooled state is of another
// kind of model.
Result<Tensor> label_of(const DiffusionModel& model, const Condition& condition,
                        const Shape& latent, bool negative);

}  // namespace obscura::pipeline
