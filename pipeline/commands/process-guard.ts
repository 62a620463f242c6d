/** Watches over the process of a command: whatever would end it without a word, or with a stack of Node's, is told. */
import { AlignflowError, reasonOf } from '../errors.js';

/** Milliseconds that a command has to end after an error that nobody caught. */
const PATIENCE = 2000;
/** What shells say of a process that writes where nobody reads: 128 and the number of SIGPIPE. */
const BROKEN_PIPE = 141;

/**
 * Watches over the process until the returned function is called, when the command has ended; errors that come later are still told.
 *
 * @param outside aborted by the first error that nobody catches, with the `AlignflowError` to tell: the command ends by it
 * @param tell prints an error
 */
export function guardProcess(outside: AbortController, tell: (error: unknown) => void): () => void {
  let turns = 0;
  let atWork = true;
  const release = () => {
    atWork = false;
    process.off('beforeExit', stalled);
    process.off('exit', ended);
  };
  const end = (code: number): never => {
    release();
    return process.exit(code);
  };
  /** Node ends, as if all were well, when nothing is left to wait for. The second time that it is about to, nobody else knew why. */
  const stalled = () => {
    if (turns++ === 0) {
      setImmediate(() => undefined);
      return;
    }
    tell(
      new AlignflowError({
        what: 'the command waits for what never comes: a promise of a source or an operator is never resolved',
      }),
    );
    end(1);
  };
  const ended = (code: number) => {
    process.exitCode = code === 0 ? 1 : code;
    tell(
      new AlignflowError({
        what: `process.exit(${code}) was called while the command was at work`,
        expected: 'operators, sources and stages that throw where they cannot go on',
      }),
    );
  };
  const uncaught = (error: unknown) => {
    if (outside.signal.aborted) return;
    const fault = fromOutside(error);
    outside.abort(fault);
    const giveUp = () => {
      tell(fault);
      end(1);
    };
    if (atWork) setTimeout(giveUp, PATIENCE);
    else giveUp();
  };
  process.on('beforeExit', stalled);
  process.on('exit', ended);
  process.on('uncaughtException', uncaught);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // What writes rows or events there says itself what their end means.
    if (process.stdout.listenerCount('error') > 1) return;
    if (error.code === 'EPIPE') end(BROKEN_PIPE);
    tell(new AlignflowError({ what: `standard output cannot be written: ${reasonOf(error)}`, cause: error }));
    end(1);
  });
  // That nobody reads what is told is no reason to end the work.
  process.stderr.on('error', () => undefined);
  return release;
}

function fromOutside(error: unknown): AlignflowError {
  return new AlignflowError({
    what: `an error that nobody caught, from outside of any call of an operator, a source or a stage: ${reasonOf(error)}`,
    fix: 'look for a timer, an event or a promise that an operator has begun and whose error it does not pass on',
    cause: error,
    defect: true,
  });
}
