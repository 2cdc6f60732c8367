/** Which of the replicas failed when a command came to no good end, and in what words that is told. */
import type { ControlBlock } from '../allreduce/control-block.js';
import { type ErrorCode, GradringError, ReplicaError, RingAbortedError, StallError } from '../errors.js';
import type { ReplicaHandle } from './replica-handle.js';

/** A replica that cannot go on, and why. */
export interface Casualty {
  readonly replica: ReplicaHandle;
  readonly error: GradringError;
}

/** What one replica answered. */
export type Answer<T> =
  | { readonly ok: true; readonly result: T }
  | { readonly ok: false; readonly error: GradringError };

/** What would go wrong on another thread too, if it is not something thrown by the user's own code. */
const certain: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'E_CONFIG',
  'E_SAMPLE',
  'E_RECIPE',
  'E_LEARNER',
  'E_CHECKPOINT',
  'E_PROTOCOL',
]);

/** Whether another thread may do better. */
export function isWorthAnotherTry({ error }: Casualty): boolean {
  const reason = error instanceof ReplicaError && error.cause instanceof GradringError ? error.cause : error;
  return !certain.has(reason.code) || reason.cause !== undefined;
}

/** The error a replica answered with, as the run's: with its name, and what it was doing. */
export function blame(
  { rank, device, recipe }: ReplicaHandle,
  control: ControlBlock,
  thrown: unknown,
): GradringError {
  const { phase, step } = control.status(rank);
  const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
  if (phase === 'start' && cause instanceof GradringError && !(cause instanceof ReplicaError)) return cause;
  const at = phase === 'start' ? 'while starting' : `in phase '${phase}' at step ${step}`;
  const { hint, where = phase === 'start' ? recipe : undefined } =
    cause instanceof GradringError ? cause : ({} as Partial<GradringError>);
  const details = { replica: rank, phase, step, cause, hint, where };
  if (cause instanceof StallError)
    return new StallError(cause.message, { ...details, replica: cause.replica });
  return new ReplicaError(`replica ${rank} (${device}) failed ${at}: ${cause.message}`, details);
}

/** Whether an answer only says that the all-reduce was ended from outside. */
export const wasFreed = (thrown: unknown): boolean =>
  thrown instanceof RingAbortedError || thrown instanceof StallError;

/** Of those who have not answered, the ones that the others wait for: not in the all-reduce, if any is not. */
export function culprits(missing: readonly ReplicaHandle[], control: ControlBlock): ReplicaHandle[] {
  const elsewhere = missing.filter(({ rank }) => control.status(rank).phase !== 'all-reduce');
  return elsewhere.length > 0 ? elsewhere : [...missing];
}

/** @param late who has not answered for `timeoutMs`; first the one to blame */
export function stalled(
  [culprit, ...waiting]: readonly ReplicaHandle[],
  control: ControlBlock,
  timeoutMs: number,
): StallError {
  const { phase, step } = control.status(culprit.rank);
  const others = waiting.map(replica => doing(replica, control));
  const also = others.length > 0 ? ` (waiting with it: ${others.join('; ')})` : '';
  return new StallError(`no answer for ${timeoutMs / 1000} s from ${doing(culprit, control)}${also}`, {
    replica: culprit.rank,
    phase,
    step,
    where: phase === 'start' ? culprit.recipe : undefined,
    hint:
      phase === 'start'
        ? 'see what the recipe waits for while it is imported, and in model()'
        : 'look at what that replica does there, or raise the stall timeout',
  });
}

/** Such as `replica 1 (wasm:1) in phase 'loss' at step 41`. */
export function doing({ rank, device }: ReplicaHandle, control: ControlBlock): string {
  const { phase, step } = control.status(rank);
  return `replica ${rank} (${device}) in phase '${phase}' at step ${step}`;
}
