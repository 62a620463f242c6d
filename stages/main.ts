/** The command `alignflow`: the pipeline's commands, and those that concern tensors. */
import { availableParallelism } from 'node:os';
import type { RecordBatch } from 'apache-arrow';
import { createProgram, runProgram } from '../pipeline/cli.js';
import type { Plan } from '../pipeline/plan/plan.js';
import type { DrawContext } from '../pipeline/run/dropped-examples.js';
import { addBackendCommands } from './backend/commands.js';
import { addProfileCommand } from './profile/command.js';

/** Kinds of stages that use no tensors: a manifest of these alone needs no backend. */
const withoutTensors = new Set(['filtering', 'tokenization']);

const program = await createProgram(process.argv, { prepare: prepareBackend, draw: drawRow });
addProfileCommand(program);
addBackendCommands(program);
await runProgram(program, process.argv);

/** Draws dropped rows for the report. The image library is loaded when the first is drawn, for the reason given below. */
async function drawRow(row: RecordBatch, context: DrawContext): Promise<Uint8Array | undefined> {
  const { drawRow } = await import('./picture.js');
  return drawRow(row, context);
}

/** Sets the tensor backend up where it is not there yet, starts it, and says what it is. */
async function prepareBackend({ stages }: Plan): Promise<string> {
  if (stages.every(({ stage }) => withoutTensors.has(stage.name))) return 'no tensors';
  // Loaded when it is needed: check, plan and describe start faster without the tensor library.
  const { setUpVisibly } = await import('./backend/set-up-visibly.js');
  await setUpVisibly();
  const { startBackend } = await import('./backend/start.js');
  const { kind, version } = await startBackend();
  const { usesGpu } = await import('./backend/gpu.js');
  const where = usesGpu() ? 'on the GPU' : `${availableParallelism()} threads`;
  return `${kind === 'tensorflow' ? 'TensorFlow' : 'WebAssembly'} ${version}, ${where}`;
}
