import { IsolatedRunError } from '../../errors.js';
import type { Crash } from './run-process.js';

/** What was seen of the run before its process was gone. */
interface LastSeen {
  readonly step: number;
  readonly phase: string;
  readonly folder?: string;
}

/** What signals of a crash mean. */
const hints: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'the system may have ended it for want of memory: use a smaller batch or fewer replicas',
  SIGABRT: 'native code or the heap of Node.js gave up: see what it wrote last',
  SIGSEGV: 'native code crashed: try another engine, and report it with the run folder',
  SIGBUS: 'native code crashed, or the disk of mapped memory is full',
  SIGILL: 'native code is not made for this processor: try another engine',
};

export function crashError(crash: Crash, { step, phase, folder }: LastSeen): IsolatedRunError {
  const { code, signal, lastWords, cause } = crash;
  const details = { where: folder, step, phase };
  if (cause !== undefined && code === null && signal === null)
    return new IsolatedRunError(`the process of the run cannot be started: ${cause.message}`, {
      ...details,
      cause,
      hint: 'the system may have no memory or no processes left',
    });
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  // It tells four times a second where it is: it may have been some steps further.
  const at =
    phase === 'start'
      ? ' before its first step'
      : `; it was last heard of in phase '${phase}' at step ${step}`;
  return new IsolatedRunError(`the process of the run ${how}${at}`, {
    ...details,
    hint: (signal && hints[signal]) ?? 'see what it wrote last',
    cause: lastWords === '' ? undefined : new Error(`it last wrote: ${lastWords}`),
  });
}
