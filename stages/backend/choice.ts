import { AlignflowError } from '../../pipeline/errors.js';

/** The names of the backends, as tfjs registers them. */
export type BackendKind = 'tensorflow' | 'wasm';

/** Why TensorFlow is not used although nothing stands against it. */
export const wasmAskedFor = 'ALIGNFLOW_BACKEND=wasm asks for it';

/** What `ALIGNFLOW_BACKEND` demands. Throws `AlignflowError` when it is set to anything but a backend. */
export function demandedBackend(environment: NodeJS.ProcessEnv = process.env): BackendKind | undefined {
  const demanded = environment.ALIGNFLOW_BACKEND;
  if (demanded === undefined || demanded === '') return undefined;
  if (demanded === 'tensorflow' || demanded === 'wasm') return demanded;
  throw new AlignflowError({
    what: `ALIGNFLOW_BACKEND=${demanded} is no backend`,
    expected: 'tensorflow or wasm',
    fix: 'unset ALIGNFLOW_BACKEND, or set it to one of them',
  });
}
