/**
 * Kills a run of all five stages with SIGKILL at random moments, again and again, until it has come to its end, and looks whether it
 * made what an undisturbed run makes. `ALIGNFLOW_KILLS` says how often; `npm run soak` has 50.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../pipeline/run/random.js';
import { reportOf } from './running.js';
import { badRows, drawShapes, makeFolder, writeShapes } from './shapes.js';

const KILLS = Number(process.env.ALIGNFLOW_KILLS ?? 3);

const compiled = new URL('../../dist/pipeline/index.js', import.meta.url).href;
const child = `import { planManifest, run, threads } from ${JSON.stringify(compiled)};
const { plan, problems } = await planManifest('shapes.yaml', { set: process.argv.slice(2) });
if (plan === undefined) throw new Error(problems.map(({ message }) => message).join());
run(plan, { threads, saveEvery: 0 }).subscribe({
  next: (event) => process.stdout.write(event.kind + ' ' + (event.stage ?? '') + '\\n'),
  error: (error) => { throw error; },
});
`;

const short = [
  'stages.contrast.with.steps=45',
  'stages.contrast.with.checkpointEvery=5',
  'stages.generate.with.steps=12',
  'stages.generate.with.checkpointEvery=3',
  'stages.score.require={}',
  'stages.pairs.source.with.batch=16',
];

/** Runs the manifest in a process of its own, killed so many milliseconds after it has begun, if it still runs then. */
async function runFor(folder: string, output: string, milliseconds: number) {
  const args = ['child.mjs', ...short, `output=${output}`];
  const running = spawn('node', args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let timer: NodeJS.Timeout | undefined;
  running.stdout.on('data', (part: Buffer) => {
    text += part;
    if (Number.isFinite(milliseconds)) timer ??= setTimeout(() => running.kill('SIGKILL'), milliseconds);
  });
  const killed = await new Promise<boolean>((resolve, reject) => {
    running.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (code !== null && code !== 0) reject(new Error(`it failed with code ${code}`));
      else resolve(signal === 'SIGKILL');
    });
  });
  const stages = [...text.matchAll(/^stage-started (.*)$/gm)].map(([, stage]) => stage!);
  return { killed, within: killed ? stages.at(-1) : undefined };
}

/** What must not depend on how often a run was killed. */
function made(folder: string, output: string) {
  return reportOf(folder, output).stages.map(({ name, digest, curve, rows }) => {
    const files = JSON.parse(readFileSync(join(folder, output, name, 'stage.json'), 'utf8')).files as {
      file: string;
    }[];
    const counts = JSON.stringify(rows, (key, value: unknown) => (key === 'seconds' ? undefined : value));
    const losses = curve?.map(({ step, metrics }) => [step, metrics.loss]);
    return { name, digest, files, losses, ...(losses?.length ? {} : { counts }) };
  });
}

it(`comes to the same bytes after ${KILLS} kills`, async () => {
  const folder = await makeFolder();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const train = await drawShapes(12, 1);
  await writeShapes(folder, 'train', [...train.slice(0, 40), ...(await badRows()), ...train.slice(40)]);
  await writeShapes(folder, 'test', await drawShapes(1, 2));
  writeFileSync(join(folder, 'child.mjs'), child);
  // In one folder, one run after the other: ledgers name the files that rows were read from.
  const output = 'run';
  const next = async () => {
    const what = made(folder, output);
    await rm(join(folder, output), { recursive: true });
    return what;
  };
  await runFor(folder, output, Number.POSITIVE_INFINITY);
  const expected = await next();

  const random = createRandom(20261125);
  const hit = new Map<string, number>();
  let kills = 0;
  while (kills < KILLS) {
    for (let killed = true; killed; ) {
      const last = kills >= KILLS;
      const end = await runFor(folder, output, last ? Number.POSITIVE_INFINITY : random.between(0, 2500));
      killed = end.killed;
      if (!killed) break;
      kills++;
      const stage = end.within ?? 'before the first stage';
      hit.set(stage, (hit.get(stage) ?? 0) + 1);
    }
    expect(await next()).toEqual(expected);
  }
  console.log(`${kills} kills: ${[...hit].map(([stage, times]) => `${stage} ${times}`).join(', ')}`);
}, 3_600_000);
