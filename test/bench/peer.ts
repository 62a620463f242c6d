import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../pipeline/cache-folder.js';
import { measureCommand } from './measured-command.js';

/** The PyTorch that is measured beside alignflow. */
const TORCH = 'torch==2.11.0';

/** A Python that has PyTorch: the given one, or that of a virtual environment in the cache, which is made when missing. */
export async function pythonWithTorch(given: string | undefined, folder: string): Promise<string> {
  if (given !== undefined) return given;
  const environment = join(cacheFolder(), `bench-${TORCH.replace('==', '-')}`);
  const python = join(environment, 'bin', 'python');
  const works = () => measureCommand(python, ['-c', 'import torch'], { folder });
  if (
    existsSync(python) &&
    (await works().then(
      () => true,
      () => false,
    ))
  )
    return python;
  await measureCommand('python3', ['-m', 'venv', '--clear', environment], { folder });
  await measureCommand(python, ['-m', 'pip', 'install', '--quiet', TORCH, 'numpy', 'setuptools'], { folder });
  await works();
  return python;
}
