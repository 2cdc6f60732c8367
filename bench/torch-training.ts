/** PyTorch training the same ResNet over synthetic batches: the peer of `step`, `scaling` and `memory`. */
import { type Measurement, summarise } from './harness.js';
import { type PeerOptions, runPeer } from './peer.js';

export interface TorchTask {
  readonly processes: number;
  /** In each process. */
  readonly threads: number;
  readonly batch: number;
  readonly runs: number;
  /** Steps in a run. */
  readonly steps: number;
  readonly precision: 'fp32' | 'bf16';
  readonly device: 'cpu' | 'cuda';
}

export interface TorchRun {
  /** Images a second. */
  readonly rate: Measurement;
  /** What the steps need beyond steps of two images; undefined where the system does not tell. */
  readonly peakBytes: number | undefined;
  readonly torch: string;
}

interface Printed {
  readonly torch: string;
  readonly parameters: number;
  readonly rates: readonly number[];
  readonly peakBytes: number | null;
}

/**
 * @param parameters of our model: the peer's must have as many
 * @throws Error when it has not
 */
export async function torchTraining(
  task: TorchTask,
  parameters: number,
  options: PeerOptions,
): Promise<TorchRun> {
  const args = Object.entries(task).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const { rates, peakBytes, ...printed } = (await runPeer('step.py', args, options)) as Printed;
  if (printed.parameters !== parameters) {
    throw new Error(`the peer's model has ${printed.parameters} parameters, ours ${parameters}`);
  }
  return {
    rate: summarise(torchName(task), 'img/s', rates),
    peakBytes: peakBytes ?? undefined,
    torch: printed.torch,
  };
}

/** Such as `PyTorch DDP + gloo, bf16, 2 processes × 1 thread`. */
function torchName({ processes, threads, precision, device }: TorchTask): string {
  const plural = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
  const kind = processes === 1 ? 'PyTorch' : `PyTorch DDP${device === 'cpu' ? ' + gloo' : ''}`;
  const team = `${plural(processes, 'process', 'processes')} × ${plural(threads, 'thread', 'threads')}`;
  return [kind, ...(precision === 'fp32' ? [] : [precision]), team].join(', ');
}
