import { afterEach, expect, test, vi } from 'vitest';
import { advise, type Diagnosis, diagnose } from '../../../stages/backend/doctor.js';
import { describeDiagnosis } from '../../../stages/backend/doctor-text.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const healthy: Diagnosis = {
  backend: { kind: 'tensorflow', version: '2.21.0', obstacle: undefined },
  versions: { node: '22.1.0', tfjs: '4.22.0' },
  processor: { model: 'AMD EPYC', has: ['AVX2', 'FMA'], lacks: ['AVX-512'] },
  products: 'Eigen',
  threads: 2,
  tools: { python: 'Python 3.11.7', pip: 'pip 23.2.1', compiler: 'g++ 12.2.0' },
  cache: { folder: '/home/u/.cache/alignflow', bytes: 853_000_000 },
  gpu: { built: false, seen: [], used: false },
  advice: [],
};

test('a healthy machine, as text', () => {
  expect(describeDiagnosis(healthy)).toBe(
    `backend       TensorFlow 2.21.0, on the processor
versions      Node 22.1.0, tfjs 4.22.0
processor     AMD EPYC
instructions  AVX2, FMA; without AVX-512
products      Eigen
threads       2
python        Python 3.11.7
pip           pip 23.2.1
compiler      g++ 12.2.0
cache         /home/u/.cache/alignflow, 853 MB
gpu           none seen
to do         nothing`,
  );
});

test('a machine where all is missing, as text', () => {
  const bare: Diagnosis = {
    ...healthy,
    backend: { kind: 'wasm', version: '4.22.0', obstacle: { reason: 'there is no pip', fix: 'install it' } },
    processor: { model: '', has: [], lacks: [] },
    products: undefined,
    threads: 1,
    tools: { python: undefined, pip: undefined, compiler: undefined },
    cache: { folder: '/cache', bytes: 0 },
    gpu: { built: false, seen: ['NVIDIA H100 80GB HBM3'], used: false },
  };
  expect(describeDiagnosis({ ...bare, advice: advise(bare, true) })).toBe(
    `backend       WebAssembly (slow) 4.22.0, on the processor
versions      Node 22.1.0, tfjs 4.22.0
processor     unknown
instructions  none that are known
threads       1
python        missing
pip           missing
compiler      missing
cache         /cache, 0 B
gpu           NVIDIA H100 80GB HBM3
to do         TensorFlow is not in use: there is no pip; install it
to do         a GPU is there and not in use: run \`alignflow setup --gpu\` (fetches 2.5 GB)`,
  );
});

test('advice names what the next setup would lack, and no GPU setup where there is none', () => {
  const tools = { python: undefined, pip: undefined, compiler: undefined };
  expect(advise({ ...healthy, tools }, true)).toEqual([
    expect.stringMatching(/^pip is missing.*python3-pip/),
    expect.stringMatching(/^a C\+\+ compiler is missing.*g\+\+/),
  ]);
  const gpu = { built: false, seen: ['NVIDIA H100'], used: false };
  expect(advise({ ...healthy, gpu }, false)).toEqual([]);
  expect(advise({ ...healthy, gpu: { ...gpu, built: true, used: true } }, true)).toEqual([]);
  const driverless = { ...healthy, gpu: { built: true, seen: [], used: false } };
  expect(advise(driverless, true)).toEqual([expect.stringContaining('finds no GPU')]);
  expect(describeDiagnosis(driverless)).toContain('TensorFlow 2.21.0 with CUDA, on the processor\n');
});

test('this machine, with the WebAssembly backend asked for', async () => {
  vi.stubEnv('ALIGNFLOW_BACKEND', 'wasm');
  const found = await diagnose();
  expect(found.backend.kind).toBe('wasm');
  expect(found.threads).toBe(1);
  expect(found.versions.node).toBe(process.versions.node);
  expect(found.advice).toContain('TensorFlow is not in use: ALIGNFLOW_BACKEND=wasm asks for it');
});
