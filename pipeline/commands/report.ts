import { join } from 'node:path';
import type { Command } from 'commander';
import { writeWhole } from '../run/atomic-file.js';
import { readRunReport } from '../run/read-report.js';
import { renderReport } from '../run/report-page.js';
import { describeReport } from '../terminal/report-text.js';

/** `alignflow report RUN`: where the rows of a run went, as text and as the page. */
export function addReportCommand(program: Command): void {
  program
    .command('report')
    .description('show where the rows of a run went, and write its report as a page, while it is at work too')
    .argument('<run>', 'the output folder of a run')
    .option('--out <file>', 'the page; report.html in the folder of the run unless given')
    .action(async (run: string, { out = join(run, 'report.html') }: { readonly out?: string }) => {
      const report = await readRunReport(run);
      await writeWhole(out, renderReport(report));
      process.stdout.write(`${describeReport(report)}report: ${out}\n`);
    });
}
