import { formatBytes } from '../../pipeline/terminal/format.js';
import type { Diagnosis } from './doctor.js';

/** A diagnosis as lines of text, a subject a line, what to do last. */
export function describeDiagnosis({
  backend,
  versions,
  processor,
  products,
  threads,
  tools,
  cache,
  gpu,
  advice,
}: Diagnosis): string {
  const name = backend.kind === 'tensorflow' ? 'TensorFlow' : 'WebAssembly (slow)';
  const lacks = processor.lacks.length === 0 ? '' : `; without ${processor.lacks.join(', ')}`;
  const rows: [string, string][] = [
    [
      'backend',
      `${name} ${backend.version}${gpu.built ? ' with CUDA' : ''}, on ${gpu.used ? 'the GPU' : 'the processor'}`,
    ],
    ['versions', `Node ${versions.node}, tfjs ${versions.tfjs}`],
    ['processor', processor.model === '' ? 'unknown' : processor.model],
    ['instructions', `${processor.has.join(', ') || 'none that are known'}${lacks}`],
    ...(products === undefined ? [] : [['products', products] as [string, string]]),
    ['threads', `${threads}`],
    ['python', tools.python ?? 'missing'],
    ['pip', tools.pip ?? 'missing'],
    ['compiler', tools.compiler ?? 'missing'],
    ['cache', `${cache.folder}, ${formatBytes(cache.bytes)}`],
    ['gpu', gpu.seen.length === 0 ? 'none seen' : gpu.seen.join(', ')],
    ...(advice.length === 0
      ? [['to do', 'nothing'] as [string, string]]
      : advice.map((text): [string, string] => ['to do', text])),
  ];
  return rows.map(([subject, text]) => `${subject.padEnd(14)}${text}`).join('\n');
}
