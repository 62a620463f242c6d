/** The last step of the build: writes `dist/catalog.json` from the sources of `operators/` and `stages/`. */
import { writeFileSync } from 'node:fs';
import { CATALOG_FILE, catalogText, scanBuiltIns } from './built-in.js';

writeFileSync(CATALOG_FILE, catalogText(await scanBuiltIns()));
