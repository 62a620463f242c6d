import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Chunk, createAllocator } from '../../../../stages/backend/graph/allocator.js';

const MiB = 2 ** 20;

describe('createAllocator', () => {
  it('counts what was in use, not the rest of a region', () => {
    const allocator = createAllocator();
    allocator.take(MiB / 2);
    expect(allocator.touched()).toBe(MiB / 2);
    allocator.take(MiB / 2 + 1); // Half a MiB of the first region is left, and 256 bytes are missing.
    allocator.take(MiB); // A region of twice the size.
    expect(allocator.touched()).toBe(MiB / 2 + MiB / 2 + 1 + MiB);
  });

  it('takes the smallest chunk that is large enough, and splits it where half would be left over', () => {
    const allocator = createAllocator();
    const chunks = [4, 1, 2, 1, 8].map((size) => allocator.take(size * MiB));
    const touched = allocator.touched();
    for (const i of [0, 2, 4]) allocator.give(chunks[i]);
    const small = allocator.take(MiB)!;
    expect(small.start).toBe(chunks[2]!.start);
    expect(small.size).toBe(MiB);
    const whole = allocator.take(3 * MiB)!; // The 4 MiB are not split: less than half of them is left over.
    expect([whole.start, whole.size]).toEqual([chunks[0]!.start, 4 * MiB]);
    expect(allocator.touched()).toBe(touched);
  });

  it('joins what is free with its neighbours', () => {
    const allocator = createAllocator();
    const chunks = [1, 1, 1, 1].map((size) => allocator.take(size * 64 * MiB));
    const touched = allocator.touched();
    for (const i of [1, 3, 2]) allocator.give(chunks[i]);
    expect(allocator.take(128 * MiB)!.region).toBe(chunks[2]!.region);
    expect(allocator.touched()).toBe(touched);
  });

  it('leaves small tensors out', () => {
    const allocator = createAllocator();
    expect(allocator.take(256 * 1024 - 1)).toBeUndefined();
    allocator.give(undefined);
    expect(allocator.touched()).toBe(0);
  });

  it('never gives the same bytes twice', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 2 ** 18, max: 2 ** 26 }), fc.nat(9))), (requests) => {
        const allocator = createAllocator();
        const held: Chunk[] = [];
        for (const [bytes, age] of requests) {
          const chunk = allocator.take(bytes)!;
          expect(chunk.size).toBeGreaterThanOrEqual(bytes);
          for (const { region, start, size } of held)
            expect(region !== chunk.region || start >= chunk.start + chunk.size || chunk.start >= start + size).toBe(
              true,
            );
          held.push(chunk);
          if (held.length > age) allocator.give(held.splice(age, 1)[0]);
        }
      }),
    );
  });
});
