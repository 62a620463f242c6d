/**
 * `npm run bench -- emoji`: measures the emoji manifest and the step of its contrastive stage beside PyTorch's.
 * `npm run bench -- engine`: measures the engine.
 * `npm run bench -- train`: measures training steps beside PyTorch's.
 * `npm run bench -- names`: trains on English names alone beside PyTorch's recipe.
 * `npm run bench -- precision`: compares the losses of float32 and bfloat16.
 * `npm run bench -- retrieval`: measures the retrieval metric beside PyTorch's.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { bfloat16IsFaster } from '../../stages/backend/products.js';
import { choosePrecision } from '../../stages/training/choose-precision.js';
import { type EmojiRun, runEmoji, runEmojiCold } from './emoji-run.js';
import { measureCheck, measureMemory, measureOverhead, measureWorker } from './engine.js';
import { measureFirstBatch, measureShare } from './engine-time.js';
import { type Figure, languageFigures, modelFigures, sameFigures, sumFigures } from './figures.js';
import { measureForeignFiles } from './foreign-files.js';
import { describeMachine } from './machine.js';
import { measureNames } from './names.js';
import { pythonWithArrow, pythonWithTorch } from './peer.js';
import { measurePrecision } from './precision.js';
import { appendResults, renderFigures, renderResults } from './results.js';
import { measureRetrieval } from './retrieval.js';
import { type RaceResult, raceSteps } from './step-race.js';
import { measureTraining } from './train.js';

/** What the command line of `emoji` gives. */
interface EmojiOptions {
  readonly cold: boolean;
  readonly step: boolean;
  readonly run: boolean;
  readonly english: boolean;
  readonly python?: string;
  readonly set: readonly string[];
}

/** Seconds that the whole command may take. */
const LIMIT = 15 * 60;

/** Patches of 16 that most steps of the manifest keep. */
const KEPT = 12;

const ENGLISH = { manifest: 'manifests/emoji-english.yaml' };

const repository = fileURLToPath(new URL('../../../', import.meta.url));
const RESULTS = join(repository, 'test/bench/results.md');
const program = new Command('bench').description(
  'Measures alignflow and appends what it found to test/bench/results.md.',
);
program
  .command('emoji')
  .description('the emoji manifest, run twice, and its contrastive step beside PyTorch')
  .option('--cold', 'first run from nothing: a clone of the last commit, no caches', false)
  .option('--no-step', 'leave out the comparison with PyTorch')
  .option('--no-run', 'only the comparison with PyTorch, printed and not appended')
  .option('--english', 'a third run, with English names alone: what the other languages cost', false)
  .option('--python <file>', 'a Python with PyTorch; a virtual environment is made unless given')
  .option('--set <path=value>', 'override a value of the manifest', (one: string, all: string[]) => [...all, one], [])
  .action(benchEmoji);
program
  .command('engine')
  .description('what the engine itself costs: time per batch and operator, the start of a check, memory')
  .option('--python <file>', 'a Python with pyarrow; a virtual environment is made unless given')
  .action(benchEngine);
program
  .command('train')
  .description('training steps of two sizes beside PyTorch, in turns')
  .option('--python <file>', 'a Python with PyTorch; a virtual environment is made unless given')
  .action(benchTrain);
program
  .command('names')
  .description("eight minutes of training on English names alone, and PyTorch's recipe for as long")
  .option('--python <file>', 'a Python with PyTorch; a virtual environment is made unless given')
  .action(benchNames);
program
  .command('precision')
  .description('losses of 500 steps of the emoji manifest in float32 and in bfloat16, three seeds each')
  .action(benchPrecision);
program
  .command('retrieval')
  .description('recall of 5,000 images and 25,000 texts beside PyTorch, in turns')
  .option('--python <file>', 'a Python with PyTorch; a virtual environment is made unless given')
  .action(benchRetrieval);
await program.parseAsync();

async function benchEngine({ python }: { readonly python?: string }): Promise<void> {
  const overhead = await measureOverhead();
  const arrow = await pythonWithArrow(python, repository);
  const figures = [
    overhead.figure,
    await measureShare(repository, overhead.microseconds),
    ...(await measureCheck(repository)),
    await measureFirstBatch(repository),
    ...(await measureMemory(repository)),
    ...(await measureForeignFiles(repository, arrow)),
    await measureWorker(repository, arrow),
  ];
  const section = renderFigures('engine', describeMachine(repository), figures);
  process.stdout.write(section);
  await appendResults(RESULTS, section);
}

async function benchTrain({ python }: { readonly python?: string }): Promise<void> {
  const found = await pythonWithTorch(python, repository);
  const figures = await measureTraining({ checkout: repository, python: found, rounds: 3 });
  const section = renderFigures('train', describeMachine(repository), figures);
  process.stdout.write(section);
  await appendResults(RESULTS, section);
}

async function benchNames({ python }: { readonly python?: string }): Promise<void> {
  const figures = await measureNames(repository, await pythonWithTorch(python, repository));
  const section = renderFigures('names', describeMachine(repository), figures);
  process.stdout.write(section);
  await appendResults(RESULTS, section);
}

async function benchPrecision(): Promise<void> {
  const { figures, drawing } = await measurePrecision(repository);
  const section = `${renderFigures('precision', describeMachine(repository), figures)}\n${drawing}`;
  process.stdout.write(section);
  await appendResults(RESULTS, section);
}

async function benchRetrieval({ python }: { readonly python?: string }): Promise<void> {
  const figures = await measureRetrieval(repository, await pythonWithTorch(python, repository));
  const section = renderFigures('retrieval', describeMachine(repository), figures);
  process.stdout.write(section);
  await appendResults(RESULTS, section);
}

async function benchEmoji(options: EmojiOptions): Promise<void> {
  const machine = describeMachine(repository);
  const races = options.step ? await race(options) : [];
  if (!options.run) {
    process.stdout.write(`${JSON.stringify(races, undefined, 1)}\n`);
    return;
  }
  const { cold, english, set } = options;
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const checkout = { checkout: repository };
    const output = join(folder, 'first');
    const first = cold
      ? await runEmojiCold({ repository, folder: join(folder, 'cold'), output, set })
      : { ...checkout, ...(await runEmoji({ ...checkout, output, set })) };
    const second = await runEmoji({ ...checkout, ...first, output: join(folder, 'second'), set });
    // In the folder of the second run, whose data stages are the same, and beside the figures of the first.
    const besides = [...set, `baseline=${output}`];
    const alone =
      english && (await runEmoji({ ...checkout, ...first, ...ENGLISH, output: join(folder, 'second'), set: besides }));
    const figures = [...timeFigures(first), ...modelFigures(first.report), ...sumFigures(first.report)];
    const results = {
      machine,
      cold,
      set,
      run: first,
      figures: [
        ...figures,
        ...(alone ? languageFigures(alone.report) : []),
        ...sameFigures(first.report, second.report),
      ],
      races,
    };
    const section = renderResults(results);
    process.stdout.write(section);
    await appendResults(RESULTS, section);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function race({ python }: EmojiOptions): Promise<RaceResult[]> {
  const found = await pythonWithTorch(python, repository);
  return [
    await raceSteps({
      checkout: repository,
      python: found,
      shape: 'tiny',
      precision: await defaultPrecision(),
      kept: KEPT,
      rounds: 3,
    }),
  ];
}

/** The precision that the stage chooses here. */
async function defaultPrecision(): Promise<'fp32' | 'bf16'> {
  return choosePrecision(undefined, 'tensorflow', await bfloat16IsFaster()).precision;
}

function timeFigures({ parts, peakBytes }: EmojiRun): Figure[] {
  const seconds = parts.reduce((sum, [, part]) => sum + part, 0);
  return [
    { name: 'whole command', value: `${seconds.toFixed(0)} s`, wanted: `at most ${LIMIT} s`, met: seconds <= LIMIT },
    { name: 'peak resident memory', value: `${(peakBytes / 1e9).toFixed(2)} GB` },
  ];
}
