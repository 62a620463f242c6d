import type { RecordBatch } from 'apache-arrow';
import { originWords } from '../../pipeline/batch/origin.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { createBudget, type MemoryBudget } from '../../pipeline/graph/budget.js';
import type { OperatorContext } from '../../pipeline/operator.js';
import { createRandom } from '../../pipeline/run/random.js';
import type { ScoreStore } from '../../pipeline/run/score-store.js';

/** A row that the operator under test dropped. */
export interface TestDrop {
  readonly reason: string;
  readonly detail?: string;
  /** Where the row came from, as in `originText`; its number in its batch where it has no origin. */
  readonly origin: string;
}

/** Scores that are kept in memory. */
export function memoryScores(): ScoreStore {
  const tables = new Map<string, Map<string, number | null>>();
  return {
    async table(identity) {
      if (!tables.has(identity)) tables.set(identity, new Map());
      const table = tables.get(identity)!;
      const keyOf = (content: Uint8Array) => Buffer.from(content).toString('hex');
      return {
        get: (content) => table.get(keyOf(content)),
        put: (content, score) => void table.set(keyOf(content), score),
        settled: async () => undefined,
      };
    },
  };
}

/** A figure that the operator under test reported. */
export interface TestMeasure {
  readonly name: string;
  readonly value: number;
  readonly threshold?: number;
}

/** A context for one operator alone that remembers what the operator says. */
export interface TestContext extends OperatorContext {
  /** Dropped rows, in order. */
  readonly dropped: readonly TestDrop[];
  /** Reported figures, in order. */
  readonly measured: readonly TestMeasure[];
  /** What the operator carries, as bytes for the context of another one that goes on; undefined where it gave no state. */
  save(): Uint8Array | undefined;
}

/** What a test may choose about a context. */
export interface TestContextOptions {
  /** 7 unless given. */
  readonly seed?: number;
  /** Needed by operators that write files; the test makes it and removes it. */
  readonly folder?: string;
  /** One of 1 GiB unless given. */
  readonly budget?: MemoryBudget;
  readonly signal?: AbortSignal;
  /** What scores are known before; none unless given. Another context with the same one knows those that are made. */
  readonly scores?: ScoreStore;
  /** What `save` of another context gave. */
  readonly restored?: Uint8Array;
}

/**
 * A context to run `operator` in, without a pipeline. As in a real run, a reason or measure that the operator did not
 * declare is an error, and random numbers depend on seed and origin alone.
 */
export function testContext(
  operator: { readonly name: string; readonly drops: readonly string[]; readonly measures: readonly string[] },
  {
    seed = 7,
    folder,
    budget = createBudget(2 ** 30),
    signal = new AbortController().signal,
    scores = memoryScores(),
    restored,
  }: TestContextOptions = {},
): TestContext {
  const dropped: TestDrop[] = [];
  const measured: TestMeasure[] = [];
  let saved: (() => Uint8Array) | undefined;
  return {
    stage: 'test',
    operator: operator.name,
    seed,
    signal,
    budget,
    dropped,
    measured,
    scores,
    get folder() {
      if (folder !== undefined) return folder;
      throw new AlignflowError({
        what: `${operator.name} writes into its folder, and the test gave none`,
        fix: 'make a temporary folder in the test and give it to the context as `folder`',
      });
    },
    random(batch, row) {
      const words = originWords(batch);
      return createRandom(seed, words?.[2 * row] ?? row, words?.[2 * row + 1] ?? 0);
    },
    measure(name, value, threshold) {
      declared('measure', name, operator.measures);
      measured.push({ name, value, ...(threshold === undefined ? {} : { threshold }) });
    },
    state(save) {
      saved = save;
      return restored;
    },
    save: () => saved?.(),
    // Figures of rows that stay are remembered too: a test may look at them.
    keep() {},
    drop(batch, row, reason, detail) {
      declared('reason', reason, operator.drops);
      dropped.push({ reason, origin: originText(batch, row), ...(detail === undefined ? {} : { detail }) });
    },
  };
}

/** The origin of a row as one word to compare, `high:low` in hexadecimal. */
export function originText(batch: RecordBatch, row: number): string {
  const words = originWords(batch);
  if (words === undefined) return String(row);
  return `${words[2 * row + 1]!.toString(16)}:${words[2 * row]!.toString(16)}`;
}

function declared(kind: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return;
  throw new AlignflowError({
    what: `the operator used the ${kind} "${name}", which it does not declare`,
    expected: `one of: ${names.join(', ')}`,
  });
}
