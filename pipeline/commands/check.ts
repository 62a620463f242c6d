import type { Command } from 'commander';
import { problemsToJson, renderProblems } from '../manifest/render.js';
import { countStages } from '../plan/explain.js';
import { planManifest } from '../plan/plan-manifest.js';
import { collectOverrides, SET_HELP } from './overrides.js';

/** `alignflow check MANIFEST`: finds all that is wrong, reading no rows. Exit code 2 if anything is. */
export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('find all that is wrong with a manifest, without reading rows')
    .argument('<manifest>', 'the YAML file')
    .option('--set <path=value>', SET_HELP, collectOverrides, [])
    .option('--json', 'write the problems as a JSON array', false)
    .action(async (manifest: string, { set, json }: { set: readonly string[]; json: boolean }) => {
      const { plan, problems } = await planManifest(manifest, { set });
      if (plan === undefined) process.exitCode = 2;
      if (json) process.stdout.write(problemsToJson(problems));
      else if (plan === undefined) process.stderr.write(renderProblems(problems));
      else process.stdout.write(`${manifest}: nothing wrong in ${countStages(plan)}\n`);
    });
}
