import { expect, test } from 'vitest';
import { pipArguments } from '../../../stages/backend/fetch.js';
import { cuda, tensorflow, type Wheel } from '../../../stages/backend/lock.js';
import { unsupported, type Variant, wheelsFor } from '../../../stages/backend/wheels.js';

const system = (platform: string, arch: string, glibc: string | undefined = '2.36') => ({ platform, arch, glibc });
const names = (platform: string, arch: string, variant: Variant) =>
  wheelsFor(system(platform, arch), variant).map(({ project, file }) => `${project}: ${file}`);

test('one wheel for the processor alone, by platform', () => {
  expect(names('linux', 'x64', 'cpu')).toEqual([
    'tensorflow-cpu: tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
  ]);
  expect(names('linux', 'arm64', 'cpu')).toEqual([
    'tensorflow: tensorflow-2.21.0-cp311-cp311-manylinux_2_27_aarch64.whl',
  ]);
  expect(names('darwin', 'arm64', 'cpu')).toEqual(['tensorflow: tensorflow-2.21.0-cp311-cp311-macosx_12_0_arm64.whl']);
});

test('with CUDA: TensorFlow first, then the twelve wheels of its extra `and-cuda`', () => {
  const wheels = wheelsFor(system('linux', 'x64'), 'gpu');
  expect(wheels.map(({ project }) => project)).toEqual([
    'tensorflow',
    'nvidia-cublas-cu12',
    'nvidia-cuda-cupti-cu12',
    'nvidia-cuda-nvcc-cu12',
    'nvidia-cuda-nvrtc-cu12',
    'nvidia-cuda-runtime-cu12',
    'nvidia-cudnn-cu12',
    'nvidia-cufft-cu12',
    'nvidia-curand-cu12',
    'nvidia-cusolver-cu12',
    'nvidia-cusparse-cu12',
    'nvidia-nccl-cu12',
    'nvidia-nvjitlink-cu12',
  ]);
  expect(wheels[0]?.file).toBe('tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl');
});

test.each([
  ['linux', 'x64', '2.36', 'cpu', undefined],
  ['linux', 'x64', '2.27', 'gpu', undefined],
  ['darwin', 'arm64', undefined, 'cpu', undefined],
  ['linux', 'x64', '2.26', 'cpu', /GNU C library 2.27 or newer, and this system has 2.26/],
  ['linux', 'x64', undefined, 'cpu', /GNU C library, and this system has another/],
  ['linux', 'riscv64', '2.36', 'cpu', /not published for linux-riscv64/],
  ['win32', 'x64', undefined, 'cpu', /not published for win32-x64/],
  ['darwin', 'x64', undefined, 'cpu', /not published for darwin-x64/],
  ['linux', 'arm64', '2.36', 'gpu', /with CUDA is not published for linux-arm64/],
  ['darwin', 'arm64', undefined, 'gpu', /with CUDA is not published for darwin-arm64/],
] as const)('%s %s, C library %s, %s', (platform, arch, glibc, variant, why) => {
  const reason = unsupported({ platform, arch, glibc }, variant);
  if (why === undefined) expect(reason).toBeUndefined();
  else expect(reason).toMatch(why);
});

test('each wheel of the lock is whole: name, checksum, sizes, and libraries among its members', () => {
  const wheels: readonly Wheel[] = [...Object.values(tensorflow), ...cuda];
  for (const { project, version, file, sha256, bytes, members, unpackedBytes, libraries } of wheels) {
    expect(file.startsWith(`${project.replaceAll('-', '_')}-${version}-`), file).toBe(true);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(bytes).toBeGreaterThan(500_000);
    expect(unpackedBytes).toBeGreaterThan(500_000);
    for (const library of libraries) {
      expect(
        members.some((member) => library === member || (member.endsWith('/') && library.startsWith(member))),
        library,
      ).toBe(true);
    }
  }
  expect(new Set(wheels.map(({ sha256 }) => sha256)).size).toBe(wheels.length);
});

test('pip is asked for exactly the file of the lock', () => {
  const [wheel] = wheelsFor(system('linux', 'arm64'), 'cpu');
  const nccl = cuda.find(({ project }) => project === 'nvidia-nccl-cu12');
  if (wheel === undefined || nccl === undefined) throw new Error('the lock has changed');
  expect(pipArguments(wheel, '/into').join(' ')).toContain(
    'download tensorflow==2.21.0 --no-deps --only-binary=:all: --implementation cp --python-version 3.11 --abi cp311 --abi none --platform manylinux_2_27_aarch64 --dest /into',
  );
  expect(pipArguments(nccl, '/into').join(' ')).toContain('nvidia-nccl-cu12==2.27.7');
  expect(pipArguments(nccl, '/into').join(' ')).toContain('--platform manylinux2014_x86_64 ');
});
