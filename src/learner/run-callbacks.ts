/** Calls callbacks in order, and the scopes (batch, epoch, fit) that before, after and cleanup events enclose. */
import type { Callback } from './callback.js';
import { CancelBatchException, CancelEpochException, CancelException, CancelFitException } from './cancel.js';
import type { EventName } from './events.js';
import type { Learner } from './learner.js';

export const scopes = {
  fit: { before: 'beforeFit', after: 'afterFit', cleanup: 'cleanupFit', Cancel: CancelFitException },
  epoch: {
    before: 'beforeEpoch',
    after: 'afterEpoch',
    cleanup: 'cleanupEpoch',
    Cancel: CancelEpochException,
  },
  batch: {
    before: 'beforeBatch',
    after: 'afterBatch',
    cleanup: 'cleanupBatch',
    Cancel: CancelBatchException,
  },
} as const;

/** Sorted anew for every event, because callbacks may add callbacks. The sort is stable. */
export const inOrder = (cbs: readonly Callback[]): Callback[] => cbs.toSorted((a, b) => a.order - b.order);

export async function runCallbacks(learn: Learner, event: EventName): Promise<void> {
  for (const callback of inOrder(learn.cbs)) await callback[event]?.(learn);
}

/** As `runCallbacks`, but one that throws does not keep the others from cleaning up. Returns what they threw. */
async function runCleanups(learn: Learner, event: EventName): Promise<unknown[]> {
  const errors: unknown[] = [];
  for (const callback of inOrder(learn.cbs)) {
    try {
      await callback[event]?.(learn);
    } catch (error) {
      errors.push(error);
    }
  }
  return errors;
}

/**
 * What to throw of all that was thrown: the first true error, the later ones kept visible as its property
 * `suppressed`; a cancel only if nothing went wrong, and then the last, as it was raised in full knowledge.
 */
function foremost(thrown: readonly unknown[]): unknown {
  // Replicas that are gone answer every cleanup with the one error that ended them.
  const [error, ...later] = new Set(thrown.filter(one => !(one instanceof CancelException)));
  if (error === undefined) return thrown.at(-1);
  if (later.length > 0 && error instanceof Error && Object.isExtensible(error))
    Object.assign(error, { suppressed: later });
  return error;
}

/** Runs `body` between the scope's events. Its own cancel exception ends it quietly; cleanup always runs. */
export async function inScope(
  learn: Learner,
  scope: keyof typeof scopes,
  body: () => Promise<void>,
): Promise<void> {
  const { before, after, cleanup, Cancel } = scopes[scope];
  const thrown: unknown[] = [];
  try {
    await runCallbacks(learn, before);
    await body();
    await runCallbacks(learn, after);
  } catch (error) {
    if (!(error instanceof Cancel)) thrown.push(error);
    if (!(error instanceof CancelException)) learn.failure ??= error;
  }
  thrown.push(...(await runCleanups(learn, cleanup)));
  if (thrown.length > 0) throw foremost(thrown);
}
