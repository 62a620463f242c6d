import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Running, reportOf, startCommand } from './running.js';
import { badRows, drawShapes, makeFolder, writeShapes } from './shapes.js';

/** An operator that kills its process when the rows that it has seen are 150 and there is a file `die`, which it removes. */
const die = `import { defineOperator } from 'alignflow';
import { existsSync, rmSync } from 'node:fs';
import { defer, tap } from 'rxjs';

/** Dies in the middle of the rows. */
export interface Die {}

export default defineOperator({
  name: 'test/die',
  defaults: {},
  reads: (_: Die) => ({}),
  writes: (schema) => schema,
  run: () => (rows) =>
    defer(() => {
      let seen = 0;
      return rows.pipe(
        tap((batch) => {
          seen += batch.numRows;
          if (seen < 150 || !existsSync('die')) return;
          rmSync('die');
          process.kill(process.pid, 'SIGKILL');
        }),
      );
    }),
});
`;

/** The folder of the manifest, with the operator in the first stage, and training that is short. */
async function prepare(): Promise<string> {
  const folder = await makeFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const train = await drawShapes(12, 1);
  await writeShapes(folder, 'train', [...train.slice(0, 40), ...(await badRows()), ...train.slice(40)]);
  await writeShapes(folder, 'test', await drawShapes(1, 2));
  await mkdir(join(folder, 'operators'));
  writeFileSync(join(folder, 'operators/die.ts'), die);
  const file = join(folder, 'shapes.yaml');
  const manifest = readFileSync(file, 'utf8')
    .replace('memory: 256MB', 'memory: 256MB\noperators: [./operators]')
    .replace(/( +)(- { use: columns\/select.*)/, '$1$2\n$1- { use: test/die }');
  writeFileSync(file, manifest);
  return folder;
}

const short = [
  'stages.contrast.with.steps=45',
  'stages.contrast.with.checkpointEvery=5',
  'stages.generate.with.steps=6',
  'stages.score.require={}',
];

/** Waits until the contrastive stage of `disturbed` has a checkpoint of this step or a later one, while the command runs. */
async function untilCheckpoint(running: Running, folder: string, step: number): Promise<void> {
  const checkpoints = join(folder, 'disturbed/contrast/checkpoints');
  const latest = () =>
    existsSync(checkpoints)
      ? Math.max(
          0,
          ...readdirSync(checkpoints).flatMap((name) => /^step-(\d+)$/.exec(name)?.slice(1).map(Number) ?? []),
        )
      : 0;
  while (latest() < step) {
    if (running.child.exitCode !== null) throw new Error(`the command has ended:\n${running.log()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** All files of a run that must not depend on how often it was interrupted. */
function made(folder: string, output: string): Map<string, Buffer> {
  const root = join(folder, output);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(parquet|safetensors)$|tokenizer\.json$|prompts\.json$|model\.json$/.test(name))
    .filter((name) => !/ledger\.parquet$|metrics\.parquet$/.test(name));
  return new Map(files.sort().map((name) => [name, readFileSync(join(root, name))]));
}

describe('a run that is interrupted', () => {
  it('goes on to the same bytes after kill -9 in a data stage and in training, and after SIGINT', async () => {
    const folder = await prepare();
    const undisturbed = startCommand(folder, ...short, 'output=calm');
    expect([await undisturbed.ended, undisturbed.log()]).toEqual([
      0,
      expect.stringContaining('the report is calm/report.html'),
    ]);

    const again = () => startCommand(folder, ...short, 'output=disturbed');
    writeFileSync(join(folder, 'die'), '');
    expect(await again().ended).toBe('SIGKILL');
    expect(existsSync(join(folder, 'disturbed/pairs/started.json'))).toBe(true);
    expect(existsSync(join(folder, 'disturbed/pairs/stage.json'))).toBe(false);

    // The dead run's lock does not stand in the way, and what it left is not taken for complete.
    const killed = again();
    await untilCheckpoint(killed, folder, 10);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).toBe('SIGKILL');
    expect(killed.log()).toContain('✓ pairs');
    expect(killed.log()).not.toContain('pairs: filtering, goes on');

    const stopped = again();
    await untilCheckpoint(stopped, folder, 20);
    // Held still, so that it is not done before the second one has started.
    stopped.child.kill('SIGSTOP');
    const second = again();
    expect(await second.ended).toBe(1);
    expect(second.log()).toMatch(/the output folder is in use by process \d+ on .*, started/);
    stopped.child.kill('SIGINT');
    stopped.child.kill('SIGCONT');
    expect(await stopped.ended).toBe(1);
    expect(stopped.log()).toContain('contrast: contrastive, goes on from its last checkpoint');
    expect(stopped.log()).toMatch(/error stage contrast: interrupted\n {2}to do: start the same command again/);
    expect(stopped.log()).not.toMatch(/^ +at /m);

    const last = again();
    expect([await last.ended, last.log()]).toEqual([0, expect.stringContaining('gone on from step')]);
    const [calm, disturbed] = [made(folder, 'calm'), made(folder, 'disturbed')];
    expect([...disturbed.keys()]).toEqual([...calm.keys()]);
    expect(calm.size).toBeGreaterThan(12);
    for (const [name, bytes] of calm) expect(disturbed.get(name)!.equals(bytes), name).toBe(true);
    const [before, after] = ['calm', 'disturbed'].map((output) => reportOf(folder, output).stages);
    expect(after!.map(({ digest }) => digest)).toEqual(before!.map(({ digest }) => digest));
    const steady = (stages: typeof before) =>
      stages!.map(({ curve, metrics }) => [
        curve?.map(({ step, metrics: { loss, learning_rate } }) => [step, loss, learning_rate]),
        metrics?.filter(({ metric }) => !/samples_per_second|waiting_share/.test(metric)),
      ]);
    expect(steady(after)).toEqual(steady(before));
  }, 240_000);
});
