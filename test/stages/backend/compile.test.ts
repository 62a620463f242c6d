import { expect, test } from 'vitest';
import { compileArguments } from '../../../stages/backend/compile.js';
import { wheelsFor } from '../../../stages/backend/wheels.js';

const argumentsFor = (platform: string, arch: string, variant: 'cpu' | 'gpu') =>
  compileArguments({
    platform,
    tfjsNode: '/package',
    unpacked: '/build',
    libraries: wheelsFor({ platform, arch, glibc: '2.36' }, variant).flatMap(({ libraries }) => libraries),
    addon: '/build/tfjs_binding.node',
  });

test('the addon is linked to TensorFlow by a path relative to itself', () => {
  const args = argumentsFor('linux', 'x64', 'cpu');
  expect(args).toContain('-DNAPI_VERSION=8');
  expect(args).toContain('/package/binding/tfjs_backend.cc');
  expect(args).toContain('-I/build/tensorflow/include');
  expect(args).toContain('/build/tensorflow/libtensorflow_cc.so.2');
  expect(args).toContain('/build/tensorflow/libtensorflow_framework.so.2');
  expect(args.filter((arg) => arg.includes('rpath'))).toEqual(['-Wl,-rpath,$ORIGIN/tensorflow']);
  expect(args.slice(-2)).toEqual(['-o', '/build/tfjs_binding.node']);
});

test('with CUDA each library is linked, needed or not, and found beside the addon', () => {
  const args = argumentsFor('linux', 'x64', 'gpu');
  expect(args).toContain('-Wl,--no-as-needed');
  for (const name of ['cublas', 'cuda_runtime', 'cudnn', 'cufft', 'cusolver', 'cusparse', 'nccl']) {
    expect(args).toContain(`-Wl,-rpath,$ORIGIN/nvidia/${name}/lib`);
  }
  expect(args).toContain('/build/nvidia/cudnn/lib/libcudnn.so.9');
});

test('macOS has its own words for the same', () => {
  const args = argumentsFor('darwin', 'arm64', 'cpu');
  expect(args).toContain('-bundle');
  expect(args).not.toContain('-shared');
  expect(args).toContain('/build/tensorflow/libtensorflow_cc.2.dylib');
  expect(args).toContain('-Wl,-rpath,@loader_path/tensorflow');
});
