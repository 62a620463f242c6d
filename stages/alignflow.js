#!/usr/bin/env node
/**
 * What `npx alignflow` starts: the built command. It is JavaScript and committed, because npm links the command at
 * `npm ci`, before anything is built, and remembers a link that it could not make.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

// Before anything is loaded: what passes through here is mostly the bytes of batches, which lie outside of V8's heap and die young.
// They are freed when they are found to be dead, not some time later on another thread, and the young generation, which would grow
// to 32 MB for nothing, stays as small as it begins. Arrays that lived a little longer wait for a collection of the whole heap: V8 begins
// to mark for it when half of what it allows itself until then has gone, not when it is all gone.
setFlagsFromString('--no-concurrent-array-buffer-sweeping');
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--incremental-marking-hard-trigger=50');

const command = new URL('../dist/command/stages/main.js', import.meta.url);
if (existsSync(command)) {
  await import(command.href);
} else {
  const folder = fileURLToPath(new URL('..', import.meta.url));
  process.stderr.write(`alignflow: error: not built yet: run \`npm run build\` in ${folder}\n`);
  process.exitCode = 1;
}
