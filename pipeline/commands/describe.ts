import type { Command } from 'commander';
import { openCatalog } from '../discovery/catalog.js';
import { describeCatalog, describeEntry } from '../discovery/describe.js';
import type { Problem } from '../manifest/problem.js';
import { readManifest } from '../manifest/read-manifest.js';
import { renderProblems } from '../manifest/render.js';

/** `alignflow describe [NAME]`: all operators and stages, or one with its options. Exit code 2 for an unknown name. */
export function addDescribeCommand(program: Command): void {
  program
    .command('describe')
    .description('list all operators and stages, or the options of one')
    .argument('[name]', 'an operator or a stage: filter/caption-length')
    .option('--manifest <file>', 'include the operators of this manifest')
    .action(async (name: string | undefined, { manifest: file }: { manifest?: string }) => {
      const problems: Problem[] = [];
      const report = (problem: Problem) => void problems.push(problem);
      const manifest = file === undefined ? undefined : readManifest(file, report);
      const catalog = await openCatalog(manifest?.operators ?? [], report);
      const entry = name === undefined ? undefined : catalog.entries.get(name);
      if (problems.length > 0) process.stderr.write(renderProblems(problems));
      if (name !== undefined && entry === undefined) {
        const nearest = catalog.nearest(name);
        const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
        process.stderr.write(`there is no operator and no stage ${name}${hint}\n`);
      } else process.stdout.write(entry === undefined ? describeCatalog(catalog) : describeEntry(entry));
      if (problems.length > 0 || (name !== undefined && entry === undefined)) process.exitCode = 2;
    });
}
