import type { Command } from 'commander';
import { renderProblems } from '../manifest/render.js';
import { explainPlan } from '../plan/explain.js';
import { planManifest } from '../plan/plan-manifest.js';
import { collectOverrides, SET_HELP } from './overrides.js';

/** `alignflow plan MANIFEST`: prints what a run would do. Exit code 2 if the manifest is wrong. */
export function addPlanCommand(program: Command): void {
  program
    .command('plan')
    .description('print what a run would do: stages, operators, columns, figures of each model')
    .argument('<manifest>', 'the YAML file')
    .option('--set <path=value>', SET_HELP, collectOverrides, [])
    .action(async (manifest: string, { set }: { set: readonly string[] }) => {
      const { plan, problems } = await planManifest(manifest, { set });
      if (plan !== undefined) return void process.stdout.write(explainPlan(plan));
      process.stderr.write(renderProblems(problems));
      process.exitCode = 2;
    });
}
