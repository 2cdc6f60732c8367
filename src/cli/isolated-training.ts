/** `--isolate`: a training in a process of its own, told from its events. */
import { EpochTable } from '../callbacks/epoch-table.js';
import type { MetricsRow } from '../learner/metrics-row.js';
import type { TrainOptions } from '../run/config.js';
import type { EpochRecord } from '../run/epoch-record.js';
import type { RunEvent, RunProgress } from '../run/run-events.js';
import { startRun } from '../run/run-handle.js';
import type { TrainSummary } from '../run/summary.js';
import type { TrainContext } from '../run/train-context.js';

export interface IsolatedDisplay {
  /** Prints lines for people. */
  readonly say: (...lines: string[]) => void;
  /** Shows how far the run is, written over by the next; absent where neither that nor a table is wanted. */
  readonly show?: (text: string) => void;
}

/** Trains in another process. @param context whose listeners are told as `train()` would @throws GradringError */
export async function trainIsolated(
  options: TrainOptions,
  context: TrainContext,
  display: IsolatedDisplay,
): Promise<TrainSummary> {
  const { signal, abortSignal } = context;
  const run = startRun(options, { isolate: true, signal, abortSignal });
  const table = new EpochTable();
  for await (const event of run.events) {
    tell(event, context);
    if (event.type === 'output' && event.replica === undefined) display.say(event.text.trimEnd());
    if (display.show === undefined) continue;
    if (event.type === 'progress') display.show(progressLine(event));
    if (event.type === 'epoch') display.say(...table.lines(...rowsOf(event.record)));
  }
  return run.result;
}

function tell(event: RunEvent, context: TrainContext): void {
  if (event.type === 'start') {
    const { folder, config } = event.start;
    if (folder !== undefined) context.onFolder?.(folder, config);
    context.onStart?.(event.start);
  } else if (event.type === 'data') context.onDataProgress?.(event.progress);
  else if (event.type === 'epoch') context.onEpoch?.(event.record);
  else if (event.type === 'warning') context.onWarning?.(event.warning);
  else if (event.type === 'output' && event.replica !== undefined)
    context.onOutput?.(event.replica, event.text);
}

const progressLine = ({ epoch, phase, batch, batches, loss }: RunProgress): string =>
  `epoch ${epoch}  ${phase} ${batch}/${batches}  loss ${loss?.toFixed(4) ?? '–'}`;

/** The two rows that a record was made of, as far as a table shows them. */
function rowsOf(record: EpochRecord): [train: MetricsRow | undefined, valid: MetricsRow | undefined] {
  const { event: _, timeShares: __, trainLoss, validLoss, seconds, lr, dataShare, ...rest } = record;
  const { epoch, step, imagesPerSecond = Number.NaN, ...metrics } = rest;
  const common = { epoch, step, samples: 0, imagesPerSecond, dataShare };
  const train = { ...common, phase: 'train' as const, loss: trainLoss ?? Number.NaN, seconds, lr };
  // The time of a record is that of both.
  const valid = { ...metrics, ...common, phase: 'valid' as const, loss: validLoss ?? Number.NaN, seconds: 0 };
  return trainLoss === undefined
    ? [undefined, { ...valid, seconds }]
    : [train, validLoss === undefined ? undefined : valid];
}
