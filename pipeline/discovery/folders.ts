import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The TypeScript files of a folder that may define something, sorted: no tests, no declarations, nothing in hidden
 * folders or `node_modules`. Links are not followed.
 */
export function sourceFiles(folder: string, deep = true): string[] {
  const found: string[] = [];
  for (const item of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isDirectory()) {
      if (deep && !item.name.startsWith('.') && item.name !== 'node_modules') found.push(...sourceFiles(path));
    } else if (item.isFile() && item.name.endsWith('.ts') && !/\.(test|d)\.ts$/.test(item.name)) found.push(path);
  }
  return found.sort();
}
