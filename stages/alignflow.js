#!/usr/bin/env node
/**
 * What `npx alignflow` starts: the built command. It is JavaScript and committed, because npm links the command at
 * `npm ci`, before anything is built, and remembers a link that it could not make.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const command = new URL('../dist/command/stages/main.js', import.meta.url);
if (existsSync(command)) {
  await import(command.href);
} else {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(`alignflow: error: not built yet: run \`npm run build\` in ${folder}\n`);
  process.exitCode = 1;
}
