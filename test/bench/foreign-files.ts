import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BESIDE } from './engine.js';
import type { Figure } from './figures.js';
import { measureCommand } from './measured-command.js';

const TURNS = 3;

/** What is written by pyarrow, and about the least memory with which a run takes it. */
const FILES = [
  { kind: 'images', rows: 300, memory: 256, name: 'images in pages of 30 MB' },
  { kind: 'images', rows: 3000, memory: 768, name: 'images in pages and dictionaries of 102 MB' },
  { kind: 'embeddings', rows: 60_000, memory: 448, name: 'embeddings, 184 MB of lists in a row group' },
] as const;

/** The most memory of runs that pass on Parquet files which are as pyarrow writes them by itself, into files of our own. */
export async function measureForeignFiles(repository: string, python: string): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const figures: Figure[] = [];
    for (const { kind, rows, memory, name } of FILES) {
      const file = join(folder, 'foreign.parquet');
      const script = ['test/bench/peers/write_foreign.py', kind, `${rows}`, file];
      await measureCommand(python, script, { folder: repository });
      const peaks: number[] = [];
      for (let turn = 0; turn < TURNS; turn++) {
        const output = join(folder, 'run');
        await rm(output, { recursive: true, force: true });
        const set = [`output=${output}`, `memory=${memory}MB`, `stages.all.source.with.path=${file}`];
        const options = set.flatMap((override) => ['--set', override]);
        const command = ['stages/alignflow.js', 'run', 'test/bench/flow/foreign.yaml', ...options];
        peaks.push((await measureCommand('node', command, { folder: repository })).peakBytes);
      }
      const peak = peaks.sort((a, b) => a - b)[TURNS >> 1]!;
      const most = memory * 1e6 + BESIDE;
      figures.push({
        name: `peak resident memory, ${name} by pyarrow, with \`memory: ${memory}MB\``,
        value: `${(peak / 1e6).toFixed(0)} MB`,
        wanted: `at most ${most / 1e6} MB`,
        met: peak <= most,
      });
    }
    return figures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
