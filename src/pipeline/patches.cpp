#include "pipeline/patches.h"

namespace obscura::pipeline {

models::UNetChanges ModelPatches::unet_at(double sigma,
                                          const diffusion::NoiseSchedule& schedule) const {
  models::UNetChanges changes = unet;
  if (shrink && sigma <= schedule.percent_to_sigma(shrink->start_percent) &&
      sigma >= schedule.percent_to_sigma(shrink->end_percent)) {
    changes.deep_shrink = shrink->shrink;
  }
  return changes;
}

}  // namespace obscura::pipeline
