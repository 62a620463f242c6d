// The addon that Node loads: it registers the ops, and exports nothing.
#include <node_api.h>

#include <exception>

#include "kernels.h"

namespace alignflow {

void registerAll() {
  static const bool done = [] {
    registerGelu();
    registerSwiglu();
    registerRmsNorm();
    registerRope();
    registerAttention();
    registerResidual();
    registerSums();
    registerAdamw();
    registerAfter();
    registerNormalise();
    return true;
  }();
  (void)done;
}

}  // namespace alignflow

NAPI_MODULE_INIT() {
  try {
    alignflow::registerAll();
  } catch (const std::exception& error) {
    napi_throw_error(env, nullptr, error.what());
  }
  return exports;
}
