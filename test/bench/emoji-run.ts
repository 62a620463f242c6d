import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunReport } from '../../pipeline/run/report.js';
import { type Measured, measureCommand } from './measured-command.js';

/** One run of the emoji manifest. */
export interface EmojiRun {
  /** Seconds of each part of the command, in order: `npm ci`, the build, the run. */
  readonly parts: readonly (readonly [name: string, seconds: number])[];
  readonly peakBytes: number;
  readonly report: RunReport;
}

/** Where a run happens. */
export interface EmojiRunOptions {
  /** The checkout that is measured. */
  readonly checkout: string;
  /** Folder for what the run makes. */
  readonly output: string;
  /** Default: `manifests/emoji.yaml`. */
  readonly manifest?: string;
  /** Values of the manifest that differ: `stages.contrast.with.steps=100`. */
  readonly set: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

const MANIFEST = 'manifests/emoji.yaml';

/** Runs the manifest in a checkout that is built. */
export async function runEmoji(options: EmojiRunOptions): Promise<EmojiRun> {
  const { checkout, output, manifest = MANIFEST, set, environment = {} } = options;
  const overrides = [`output=${output}`, ...set].flatMap((override) => ['--set', override]);
  const run = await measureCommand('node', ['stages/alignflow.js', 'run', manifest, ...overrides], {
    folder: checkout,
    environment,
  });
  const report = JSON.parse(await readFile(join(output, 'report.json'), 'utf8')) as RunReport;
  return { parts: [['run', run.seconds]], peakBytes: run.peakBytes, report };
}

/** Where a run from nothing happens: the checkout and the caches are below `folder`, and stay there for later runs. */
export interface ColdRunOptions extends Pick<EmojiRunOptions, 'output' | 'set'> {
  readonly repository: string;
  readonly folder: string;
}

/** The whole command of the README from nothing: a clone of the last commit, no cache of npm, pip or alignflow. */
export async function runEmojiCold(
  options: ColdRunOptions,
): Promise<EmojiRun & Pick<EmojiRunOptions, 'checkout' | 'environment'>> {
  const { repository, folder, output, set } = options;
  const checkout = join(folder, 'checkout');
  const environment = {
    npm_config_cache: join(folder, 'npm'),
    ALIGNFLOW_CACHE: join(folder, 'cache'),
    PIP_NO_CACHE_DIR: '1',
  };
  await mkdir(folder, { recursive: true });
  await measureCommand('git', ['clone', '--quiet', repository, checkout], { folder });
  const measured: [string, Measured][] = [];
  for (const command of ['npm ci', 'npm run build', ['npx alignflow run', MANIFEST, ...setOptions(set)].join(' ')]) {
    measured.push([command, await measureCommand('bash', ['-c', command], { folder: checkout, environment })]);
  }
  await rename(join(checkout, 'runs', 'emoji'), output);
  const report = JSON.parse(await readFile(join(output, 'report.json'), 'utf8')) as RunReport;
  return {
    checkout,
    environment,
    parts: measured.map(([name, { seconds }]) => [name, seconds]),
    peakBytes: Math.max(...measured.map(([, { peakBytes }]) => peakBytes)),
    report,
  };
}

function setOptions(set: readonly string[]): string[] {
  return set.map((override) => `--set '${override.replaceAll("'", "'\\''")}'`);
}
