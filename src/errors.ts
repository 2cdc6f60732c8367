/**
 * Every error gradring throws on purpose. One hierarchy, stable codes, and a message that says what was
 * wrong, where, and what to do. `docs/errors.md` has one heading per code.
 */

/** Stable machine-readable code of each error; never renamed once released. */
export type ErrorCode =
  | 'E_CONFIG'
  | 'E_DEVICE'
  | 'E_ENGINE'
  | 'E_OUT_OF_MEMORY'
  | 'E_DATASET'
  | 'E_SAMPLE'
  | 'E_LOADER'
  | 'E_RECIPE'
  | 'E_CALLBACK'
  | 'E_LEARNER'
  | 'E_RING_ABORTED'
  | 'E_REPLICA'
  | 'E_STALL'
  | 'E_REPLICAS_DIVERGED'
  | 'E_DIVERGED'
  | 'E_RUN_FOLDER'
  | 'E_CHECKPOINT'
  | 'E_ABORTED'
  | 'E_PROTOCOL'
  | 'E_PROCESS';

export interface ErrorDetails {
  /** Where: a file, row, option or parameter, as a person would write it. */
  where?: string;
  /** What to do about it. */
  hint?: string;
  /** Index of the replica the error happened on. */
  replica?: number;
  /** Global step the error happened in. */
  step?: number;
  /** What the replica was doing (see `protocol/phases.ts`). */
  phase?: string;
  cause?: unknown;
}

/** Base class. Between two copies of the library compare `code`, which is stable, not the class. */
export class GradringError extends Error {
  readonly code: ErrorCode;
  readonly where?: string;
  readonly hint?: string;
  readonly replica?: number;
  readonly step?: number;
  readonly phase?: string;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.where = details.where;
    this.hint = details.hint;
    this.replica = details.replica;
    this.step = details.step;
    this.phase = details.phase;
  }
}

/** An option or a combination of options is not usable. Nothing was started. */
export class ConfigError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_CONFIG', message, details);
  }
}

/** A requested device is not there or cannot be used. */
export class DeviceError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_DEVICE', message, details);
  }
}

/** An engine could not be opened, or a tensor operation on it failed. */
export class EngineError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_ENGINE', message, details);
  }
}

/** The device has no memory left for a tensor. */
export class OutOfMemoryError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_OUT_OF_MEMORY', message, details);
  }
}

/** A dataset (folder, index, file) is missing, empty, inconsistent or damaged. */
export class DatasetError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_DATASET', message, details);
  }
}

/** One sample cannot be decoded; `where` names its file and row. */
export class SampleError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_SAMPLE', message, details);
  }
}

/** The data loader was misused or one of its decode threads died. */
export class LoaderError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_LOADER', message, details);
  }
}

/** The user's recipe module is missing, malformed, threw, or returned the wrong thing. */
export class RecipeError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_RECIPE', message, details);
  }
}

/** A callback is malformed, duplicated, or missing one it needs. */
export class CallbackError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_CALLBACK', message, details);
  }
}

/** The Learner was used in a way that cannot work. */
export class LearnerError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_LEARNER', message, details);
  }
}

/** Another replica or the coordinator ended the all-reduce this replica waited in. */
export class RingAbortedError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_RING_ABORTED', message, details);
  }
}

/** A replica threw, exited or was terminated; `cause` is what it threw. */
export class ReplicaError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_REPLICA', message, details);
  }
}

/** A replica did not finish its step within the bound. */
export class StallError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_STALL', message, details);
  }
}

/** Replicas that must hold bitwise equal parameters do not. */
export class ReplicasDivergedError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_REPLICAS_DIVERGED', message, details);
  }
}

/** The loss is NaN or infinite. */
export class DivergedError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_DIVERGED', message, details);
  }
}

/** The run folder cannot be created or written. */
export class RunFolderError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_RUN_FOLDER', message, details);
  }
}

/** A checkpoint or a training state is damaged, incomplete, or not of this model; or cannot be written. */
export class CheckpointError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_CHECKPOINT', message, details);
  }
}

/** The caller's `AbortSignal` ended the work. */
export class AbortedError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_ABORTED', message, details);
  }
}

/** A message between threads is malformed. */
export class ProtocolError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_PROTOCOL', message, details);
  }
}

/** The process of an isolated run ended without a word; `cause` has what it wrote last. */
export class IsolatedRunError extends GradringError {
  constructor(message: string, details?: ErrorDetails) {
    super('E_PROCESS', message, details);
  }
}

const classes: Record<ErrorCode, new (message: string, details?: ErrorDetails) => GradringError> = {
  E_CONFIG: ConfigError,
  E_DEVICE: DeviceError,
  E_ENGINE: EngineError,
  E_OUT_OF_MEMORY: OutOfMemoryError,
  E_DATASET: DatasetError,
  E_SAMPLE: SampleError,
  E_LOADER: LoaderError,
  E_RECIPE: RecipeError,
  E_CALLBACK: CallbackError,
  E_LEARNER: LearnerError,
  E_RING_ABORTED: RingAbortedError,
  E_REPLICA: ReplicaError,
  E_STALL: StallError,
  E_REPLICAS_DIVERGED: ReplicasDivergedError,
  E_DIVERGED: DivergedError,
  E_RUN_FOLDER: RunFolderError,
  E_CHECKPOINT: CheckpointError,
  E_ABORTED: AbortedError,
  E_PROTOCOL: ProtocolError,
  E_PROCESS: IsolatedRunError,
};

/** An error as plain data, for crossing threads: structured clone would drop its class and code. */
export interface WireError {
  name: string;
  message: string;
  stack?: string;
  code?: string;
  where?: string;
  hint?: string;
  replica?: number;
  step?: number;
  phase?: string;
  cause?: WireError;
}

/** Turns anything thrown into plain data. Never throws itself. */
export function errorToWire(thrown: unknown, depth = 0): WireError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: `non-error thrown: ${String(thrown)}` };
  const { code, where, hint, replica, step, phase } = thrown as Partial<GradringError>;
  return {
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack,
    code: typeof code === 'string' ? code : undefined,
    ...(thrown instanceof GradringError ? { where, hint, replica, step, phase } : {}),
    cause:
      thrown.cause === undefined || depth >= deepestCause ? undefined : errorToWire(thrown.cause, depth + 1),
  };
}

/** Causes of causes that are carried over. */
const deepestCause = 5;

/** Rebuilds the error, its class, stack and cause on the other side. What is not as it should be is left out. */
export function errorFromWire(wire: WireError, depth = 0): Error {
  const message = text(wire.message) ?? 'an error without a message';
  const cause =
    isObject(wire.cause) && depth < deepestCause ? errorFromWire(wire.cause, depth + 1) : undefined;
  const code = text(wire.code);
  const Class = code !== undefined && Object.hasOwn(classes, code) ? classes[code as ErrorCode] : undefined;
  const error = Class
    ? new Class(message, { ...detailsOf(wire), cause })
    : new Error(message, cause === undefined ? undefined : { cause });
  if (!Class) {
    error.name = text(wire.name) ?? 'Error';
    if (code !== undefined) Object.assign(error, { code });
  }
  error.stack = text(wire.stack) ?? error.stack;
  return error;
}

/** MessagePack knows no undefined: what was absent arrives as null. */
function detailsOf({ where, hint, replica, step, phase }: WireError): ErrorDetails {
  return {
    where: text(where),
    hint: text(hint),
    phase: text(phase),
    replica: typeof replica === 'number' ? replica : undefined,
    step: typeof step === 'number' ? step : undefined,
  };
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const isObject = (value: unknown): value is WireError => typeof value === 'object' && value !== null;
