/** PyTorch training the same ResNet over synthetic batches: the peer of `step` and `scaling`. */
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
}

/**
 * @param parameters of our model: the peer's must have as many
 * @throws Error when it has not
 */
export async function torchTraining(
  task: TorchTask,
  parameters: number,
  options: PeerOptions,
): Promise<{ row: Measurement; torch: string }> {
  const { processes, threads, batch, runs, steps } = task;
  const args = [processes, threads, batch, runs, steps].map(String);
  const result = (await runPeer('step.py', args, options)) as {
    torch: string;
    parameters: number;
    rates: number[];
  };
  if (result.parameters !== parameters) {
    throw new Error(`the peer's model has ${result.parameters} parameters, ours ${parameters}`);
  }
  const plural = (n: number, word: string): string =>
    `${n} ${word}${n === 1 ? '' : word.endsWith('s') ? 'es' : 's'}`;
  const kind = processes === 1 ? 'PyTorch' : 'PyTorch DDP + gloo';
  const name = `${kind}, ${plural(processes, 'process')} × ${plural(threads, 'thread')}`;
  return { row: summarise(name, 'img/s', result.rates), torch: result.torch };
}
