import { expect, test } from 'vitest';
import { compareFlags, flagsOfCpuinfo, flagsOfSysctl } from '../../../stages/backend/processor.js';

test('the flags of an x64 processor under Linux', () => {
  const text =
    'processor\t: 0\nmodel name\t: Xeon\nflags\t\t: fpu avx2 fma avx512f avx512_bf16 amx_bf16\nbugs\t: none\n';
  expect(compareFlags(flagsOfCpuinfo(`${text}\n${text}`), 'x64')).toEqual({
    has: ['AVX2', 'FMA', 'AVX-512', 'AVX-512 bf16', 'AMX bf16'],
    lacks: ['AVX-512 VNNI', 'AMX int8'],
  });
});

test('the features of an arm64 processor under Linux', () => {
  const flags = flagsOfCpuinfo('processor : 0\nFeatures : fp asimd sve bf16\nCPU implementer : 0x41\n');
  expect(compareFlags(flags, 'arm64')).toEqual({ has: ['NEON', 'SVE', 'bf16'], lacks: ['i8mm'] });
});

test('the features of an arm64 processor under macOS', () => {
  const text = 'hw.optional.AdvSIMD: 1\nhw.optional.arm.FEAT_BF16: 1\nhw.optional.arm.FEAT_I8MM: 0\n';
  expect(compareFlags(flagsOfSysctl(text), 'arm64')).toEqual({ has: ['NEON', 'bf16'], lacks: ['SVE', 'i8mm'] });
});

test('an unknown architecture, or a text without flags, has nothing', () => {
  expect(compareFlags(flagsOfCpuinfo('flags : vector'), 'riscv64')).toEqual({ has: [], lacks: [] });
  expect(compareFlags(flagsOfCpuinfo(''), 'arm64').has).toEqual([]);
});
