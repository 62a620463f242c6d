import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../pipeline/cache-folder.js';
import { measureCommand } from './measured-command.js';

/** The PyTorch that is measured beside alignflow. */
export function pythonWithTorch(given: string | undefined, folder: string): Promise<string> {
  return pythonWith(
    {
      first: 'torch==2.11.0',
      others: ['numpy', 'setuptools', 'pillow', 'pyarrow', 'tokenizers'],
      module: 'torch, PIL, pyarrow, tokenizers',
    },
    given,
    folder,
  );
}

/** What plays the program that has a worker of alignflow do its work. */
export function pythonWithArrow(given: string | undefined, folder: string): Promise<string> {
  return pythonWith({ first: 'pyarrow==26.0.1', others: [], module: 'pyarrow' }, given, folder);
}

interface Packages {
  /** The package that it is made for, which names it. */
  readonly first: string;
  readonly others: readonly string[];
  /** What can be imported when all is there. */
  readonly module: string;
}

/** A Python that has these packages: the given one, or that of a virtual environment in the cache, which is made when missing. */
async function pythonWith(
  { first, others, module }: Packages,
  given: string | undefined,
  folder: string,
): Promise<string> {
  if (given !== undefined) return given;
  const environment = join(cacheFolder(), `bench-${first.replace('==', '-')}`);
  const python = join(environment, 'bin', 'python');
  const works = () => measureCommand(python, ['-c', `import ${module}`], { folder });
  if (
    existsSync(python) &&
    (await works().then(
      () => true,
      () => false,
    ))
  )
    return python;
  await measureCommand('python3', ['-m', 'venv', '--clear', environment], { folder });
  await measureCommand(python, ['-m', 'pip', 'install', '--quiet', first, ...others], { folder });
  await works();
  return python;
}
