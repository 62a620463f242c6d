import { type AdamW, adamW } from './adamw.js';
import { type Lion, lion } from './lion.js';
import type { Optimiser } from './optimiser.js';
import { type Sgd, sgd } from './sgd.js';

/** An optimiser and its settings, as a manifest has them. */
export type OptimiserOptions = AdamW | Lion | Sgd;

/** The optimiser of that name. */
export function createOptimiser(options: OptimiserOptions): Optimiser {
  switch (options.name) {
    case 'adamw':
      return adamW(options);
    case 'lion':
      return lion(options);
    case 'sgd':
      return sgd(options);
  }
}
