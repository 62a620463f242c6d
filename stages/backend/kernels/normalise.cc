// Pixels from bytes to (value / 255 - mean) / deviation by channel, in the order and precision of torchvision.
#include <vector>

#include "kernels.h"
#include "op.h"
#include "parallel.h"

namespace alignflow {
namespace {

void normalise(Run& run) {
  const int64_t channels = run.width(0), pixels = run.rows(0);
  run.expect(run.size(1) == channels && run.size(2) == channels, "mean or deviation has another length than there are channels");
  // Sixteen pixels have as many vectors as there are channels, with the same channels at the same places each time.
  std::vector<float> means, deviations;
  for (int64_t i = 0; i < kLanes * channels; i++) {
    means.push_back(run.in<float>(1)[i % channels]);
    deviations.push_back(run.in<float>(2)[i % channels]);
  }
  const uint8_t* bytes = run.in<uint8_t>(0);
  float* y = run.out<float>(0, run.shape(0));
  const float *mean = means.data(), *deviation = deviations.data();
  parallel(pixels, 2 * channels, [=](int64_t from, int64_t to) {
    for (int64_t pixel = from; pixel < to; pixel += kLanes) {
      const int64_t first = pixel * channels, left = to * channels - first;
      for (int64_t i = 0; i < kLanes * channels && i < left; i += kLanes)
        store(y + first + i, (load(bytes + first + i, left - i) / 255.0f - load(mean + i)) / load(deviation + i), left - i);
    }
  });
}

}  // namespace

void registerNormalise() {
  registerOp({"AlignflowNormalise", {"pixels: uint8", "mean: float", "deviation: float"}, {"y: float"}, {}, {}, {0}, normalise});
}

}  // namespace alignflow
