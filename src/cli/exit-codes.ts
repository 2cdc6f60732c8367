import type { ErrorCode } from '../errors.js';

/** What the process ends with; printed by `--help-all`, tested in test/cli. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  device: 3,
  stalled: 4,
  diverged: 5,
  interrupted: 130,
  terminated: 143,
} as const;

export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  done: 'done',
  failed: 'unexpected failure while running',
  usage: 'bad option, data or recipe',
  device: 'a device or engine cannot be used',
  stalled: 'a replica did not answer in time',
  diverged: 'the loss became NaN or infinite, or replicas came apart',
  interrupted: 'stopped by Ctrl-C; the model so far is saved',
  terminated: 'stopped by SIGTERM; the model so far is saved',
};

const byErrorCode: Partial<Record<ErrorCode, number>> = {
  E_CONFIG: exitCodes.usage,
  E_DATASET: exitCodes.usage,
  E_RECIPE: exitCodes.usage,
  E_RUN_FOLDER: exitCodes.usage,
  E_CHECKPOINT: exitCodes.usage,
  E_DEVICE: exitCodes.device,
  E_ENGINE: exitCodes.device,
  E_OUT_OF_MEMORY: exitCodes.device,
  E_STALL: exitCodes.stalled,
  E_DIVERGED: exitCodes.diverged,
  E_REPLICAS_DIVERGED: exitCodes.diverged,
};

/** A disk that is full or breaks: nobody gave a wrong option. */
const ofDisk: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EIO'];

/** Of the error, or, where that tells nothing (a replica failed), of what caused it. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return exitCodes.failed;
  if (ofDisk.includes((error.cause as NodeJS.ErrnoException | undefined)?.code)) return exitCodes.failed;
  const code = 'code' in error ? byErrorCode[error.code as ErrorCode] : undefined;
  return code ?? exitCodeOf(error.cause);
}
