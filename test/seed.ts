/** Set up before each test file: property tests try the same cases each time, and others only in `npm run fuzz`. */
import fc from 'fast-check';

if (process.env.ALIGNFLOW_FUZZ_RUNS === undefined) fc.configureGlobal({ seed: 20_262_027 });
