import { resolve } from 'node:path';
import type { Command } from 'commander';
import { openCatalog } from '../discovery/catalog.js';
import { manifestSchema } from '../discovery/manifest-schema.js';
import type { Problem } from '../manifest/problem.js';
import { readManifest } from '../manifest/read-manifest.js';
import { renderProblems } from '../manifest/render.js';
import { writeWhole } from '../run/atomic-file.js';

/** `alignflow schema`: the JSON Schema of manifests, for editors. Exit code 2 where an operator cannot be read. */
export function addSchemaCommand(program: Command): void {
  program
    .command('schema')
    .description('write the JSON Schema of manifests, for completion and hover texts in editors')
    .option('--manifest <file>', 'include the operators of this manifest')
    .option('--output <file>', 'write it there instead of to standard output')
    .action(async ({ manifest: file, output }: { manifest?: string; output?: string }) => {
      const problems: Problem[] = [];
      const report = (problem: Problem) => void problems.push(problem);
      const manifest = file === undefined ? undefined : readManifest(file, report);
      const catalog = await openCatalog(manifest?.operators ?? [], report);
      if (problems.length > 0) {
        process.stderr.write(renderProblems(problems));
        process.exitCode = 2;
        return;
      }
      const text = `${JSON.stringify(manifestSchema(catalog), undefined, 2)}\n`;
      if (output === undefined) process.stdout.write(text);
      else await writeWhole(resolve(output), text);
    });
}
