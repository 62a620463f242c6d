// The ops that TensorFlow lacks, a file for each family. Their names begin with `Alignflow`.
#pragma once

namespace alignflow {

void registerGelu();
void registerSwiglu();
void registerRmsNorm();
void registerRope();
void registerAttention();
void registerResidual();
void registerSums();
void registerAdamw();
void registerAfter();
void registerNormalise();

/** Registers all ops with the TensorFlow of this process, once. Throws TensorFlow's message. */
void registerAll();

}  // namespace alignflow
