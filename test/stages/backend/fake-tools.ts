import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import type { Installation } from '../../../stages/backend/installation.js';
import type { Wheel } from '../../../stages/backend/lock.js';

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'alignflow-backend-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A zip file with uncompressed members. Names are taken as they are, hostile ones too. */
export function zipOf(members: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(members)) {
    const [path, content] = [Buffer.from(name), Buffer.from(text)];
    const sizes = Buffer.alloc(12); // CRC-32, which yauzl does not look at, then both sizes
    sizes.writeUInt32LE(content.length, 4);
    sizes.writeUInt32LE(content.length, 8);
    const local = Buffer.alloc(14);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(20, 4);
    const lengths = Buffer.alloc(4);
    lengths.writeUInt16LE(path.length, 0);
    parts.push(local, sizes, lengths, path, content);
    const central = Buffer.alloc(16);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(20, 6);
    const rest = Buffer.alloc(18);
    rest.writeUInt16LE(path.length, 0);
    rest.writeUInt32LE(offset, 14);
    directory.push(central, sizes, rest, path);
    offset += 30 + path.length + content.length;
  }
  const end = Buffer.alloc(22);
  const count = Object.keys(members).length;
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}

/** A lock entry for a zip file that unpacks to a header and two libraries. */
export function wheelOf(content: Buffer): Wheel {
  return {
    project: 'tensorflow-cpu',
    version: '1.0',
    file: 'tensorflow_cpu-1.0-cp311-cp311-manylinux_2_27_x86_64.whl',
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: content.length,
    members: ['tensorflow/include/', 'tensorflow/libtensorflow_cc.so.2'],
    unpackedBytes: 1000,
    libraries: ['tensorflow/libtensorflow_cc.so.2'],
  };
}

/** The members of a wheel as `wheelOf` describes it. */
export const wheelMembers = {
  'tensorflow/__init__.py': 'not wanted',
  'tensorflow/include/tensorflow/c/c_api.h': '// header',
  'tensorflow/libtensorflow_cc.so.2': 'library',
};

/** Stand-ins for pip and the compiler, the only programs on the PATH. */
export interface FakeTools {
  /** The cache folder, empty. */
  readonly cache: string;
  /** What was started so far, a word a start: `download` or `compile`. */
  started(): string[];
  installation(): Installation;
}

/**
 * Puts a pip and a compiler on the PATH, and an empty cache folder into the environment. pip "downloads" `wheel` under
 * the name that `file` gives; the compiler writes a small addon.
 */
export function fakeTools(
  options: { wheel?: Buffer; file?: string; pip?: boolean; compiler?: boolean } = {},
): FakeTools {
  const { wheel = Buffer.alloc(0), file = wheelOf(wheel).file, pip = true, compiler = true } = options;
  const folder = temporaryFolder();
  const [bin, cache, log] = [join(folder, 'bin'), join(folder, 'cache'), join(folder, 'log')];
  mkdirSync(bin);
  writeFileSync(join(folder, 'wheel'), wheel);
  writeFileSync(log, '');
  const script = (name: string, lines: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${lines}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const readFlag = (flag: string, variable: string) =>
    `while [ $# -gt 0 ]; do [ "$1" = ${flag} ] && ${variable}="$2"; shift; done`;
  if (pip) {
    script(
      'python3',
      `[ "$3" = --version ] && { echo pip 99; exit 0; }
echo download >> '${log}'
${readFlag('--dest', 'folder')}
cp '${join(folder, 'wheel')}' "$folder/${file}"`,
    );
  }
  if (compiler) {
    script(
      'g++',
      `[ "$1" = --version ] && { echo g++ 99; exit 0; }
echo compile >> '${log}'
${readFlag('-o', 'output')}
echo addon > "$output"`,
    );
  }
  vi.stubEnv('PATH', bin);
  vi.stubEnv('CXX', '');
  vi.stubEnv('ALIGNFLOW_CACHE', cache);
  vi.stubEnv('ALIGNFLOW_BACKEND', '');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  return {
    cache,
    started: () => readFileSync(log, 'utf8').split('\n').filter(Boolean),
    installation: () => {
      const home = join(cache, 'build');
      return {
        variant: 'cpu',
        folder: home,
        addon: join(home, 'tfjs_binding.node'),
        kernels: join(home, 'kernels.node'),
      };
    },
  };
}
