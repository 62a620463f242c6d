/**
 * Kills a run of all five stages with SIGKILL at random moments, again and again, until it has come to its end, and looks whether it
 * made what an undisturbed run makes. `ALIGNFLOW_KILLS` says how often, `ALIGNFLOW_KILL_IN` in which stages (all unless given);
 * `npm run soak` has 50 in all, and 20 in training.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { createRandom } from '../../pipeline/run/random.js';
import { reportOf } from './running.js';
import { badRows, drawShapes, makeFolder, writeShapes } from './shapes.js';

const KILLS = Number(process.env.ALIGNFLOW_KILLS ?? 3);
const KILLED = process.env.ALIGNFLOW_KILL_IN?.split(',');

const compiled = new URL('../../dist/pipeline/index.js', import.meta.url).href;
const child = `import { planManifest, run, threads } from ${JSON.stringify(compiled)};
const { plan, problems } = await planManifest('shapes.yaml', { set: process.argv.slice(2) });
if (plan === undefined) throw new Error(problems.map(({ message }) => message).join());
run(plan, { threads, saveEvery: 0 }).subscribe({
  next: (event) => process.stdout.write([event.kind, event.stage, event.seconds].join(' ') + '\\n'),
  error: (error) => { throw error; },
});
`;

const short = [
  'stages.contrast.with.steps=45',
  'stages.contrast.with.checkpointEvery=5',
  'stages.contrast.with.dropPath=0.1',
  'stages.contrast.with.ema=0.9',
  'stages.generate.with.steps=12',
  'stages.generate.with.checkpointEvery=3',
  'stages.generate.with.optimiser={name: lion}',
  'stages.score.require={}',
  'stages.pairs.source.with.batch=16',
  'workers=2',
];

/** When a run is killed: so many milliseconds after this stage has begun. */
interface Kill {
  readonly stage: string;
  readonly after: number;
}

/** Runs the manifest in a process of its own, and tells how long each stage took, and which was killed. */
async function runOnce(folder: string, output: string, kill?: Kill) {
  const args = ['child.mjs', ...short, `output=${output}`];
  const running = spawn('node', args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const seconds = new Map<string, number>();
  let within: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  createInterface(running.stdout).on('line', (line) => {
    const [kind, stage, took] = line.split(' ') as [string, string, string];
    if (kind === 'stage-started') within = stage;
    if (kind === 'stage-complete') seconds.set(stage, Number(took));
    if (kind === 'stage-started' && stage === kill?.stage)
      timer = setTimeout(() => running.kill('SIGKILL'), kill.after);
  });
  const killed = await new Promise<boolean>((resolve, reject) => {
    running.on('exit', (code, signal) => {
      clearTimeout(timer);
      if (code !== null && code !== 0) reject(new Error(`it failed with code ${code}`));
      else resolve(signal === 'SIGKILL');
    });
  });
  return { seconds, killed: killed ? within : undefined };
}

/** What must not depend on how often a run was killed. */
function made(folder: string, output: string) {
  return reportOf(folder, output).stages.map(({ name, digest, curve, rows }) => {
    const files = JSON.parse(readFileSync(join(folder, output, name, 'stage.json'), 'utf8')).files as {
      file: string;
    }[];
    const counts = JSON.stringify(rows, (key, value: unknown) =>
      ['seconds', 'waiting'].includes(key) ? undefined : value,
    );
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
  const { seconds } = await runOnce(folder, output);
  const expected = await next();
  const stages = [...seconds.keys()].filter((stage) => KILLED?.includes(stage) ?? true);

  const random = createRandom(20261125);
  const hit = new Map<string, number>();
  for (let kills = 0; kills < KILLS; ) {
    // Through the stages, each killed no, one or two times, at any moment of its work.
    for (const stage of stages) {
      for (let times = random.integer(3); times > 0 && kills < KILLS; times--) {
        const after = random.between(0, 1000 * seconds.get(stage)!);
        const { killed } = await runOnce(folder, output, { stage, after });
        if (killed === undefined) break;
        kills++;
        hit.set(killed, (hit.get(killed) ?? 0) + 1);
      }
    }
    await runOnce(folder, output);
    expect(await next()).toEqual(expected);
  }
  console.log(`killed: ${[...hit].map(([stage, times]) => `${stage} ${times}`).join(', ')}`);
}, 3_600_000);
