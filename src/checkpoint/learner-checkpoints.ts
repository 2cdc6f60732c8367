/** `learn.save`, `learn.load` and `learn.readCheckpoint`. */
import { existsSync } from 'node:fs';
import { addMethods } from '../learner/extend.js';
import type { Learner } from '../learner/learner.js';
import { capture } from './capture.js';
import { readCheckpointFiles, readTensorFile } from './read-files.js';
import { Checkpoint } from './restore.js';
import { compareWeights, gather, requireAll, type WeightReport } from './weights.js';
import { checkpointName, writeCheckpoint } from './write-files.js';

export interface LoadOptions {
  /** Take over the optimizer too, settings and moments; `learn.optFunc = null` then keeps it for the next fit. */
  readonly optimizer?: boolean;
  /** Refuse a checkpoint whose weights are not exactly the model's. Default true. */
  readonly strict?: boolean;
}

export interface LoadReport extends WeightReport {
  /** Whether the optimizer was taken over. */
  readonly optimizer: boolean;
}

declare module '../learner/learner.js' {
  interface Learner {
    /**
     * Writes `path.safetensors` and `path.json`: weights, position, callbacks' states and, unless told otherwise, the
     * optimizer. To be called between two batches (from `afterBatch`, `afterEpoch` on, or outside of a fit).
     *
     * @throws CheckpointError when they cannot be written; an older checkpoint of that name is then still there
     */
    save(path: string, options?: { readonly optimizer?: boolean }): Promise<void>;
    /**
     * Takes over the weights of a checkpoint, or of a plain `.safetensors` file with `optimizer: false`.
     *
     * @returns what was taken, and what not
     * @throws CheckpointError listing what does not fit; nothing has changed then
     */
    load(path: string, options?: LoadOptions): Promise<LoadReport>;
    /**
     * A checkpoint, or the newest one in a folder, for `learn.fit(n, { resume })`.
     *
     * @throws CheckpointError when there is none, or it is damaged; the hint names the newest good one beside it
     */
    readCheckpoint(path: string): Promise<Checkpoint>;
  }
}

async function save(
  this: Learner,
  path: string,
  { optimizer = true }: { readonly optimizer?: boolean } = {},
): Promise<void> {
  await writeCheckpoint(path, await capture(this, { optimizer }));
}

/**
 * A checkpoint, or the newest one in a folder.
 *
 * @param advise what to do with the newest good one, for the hint of the error when this one is damaged
 * @throws CheckpointError
 */
export async function readCheckpoint(path: string, advise?: (good: string) => string): Promise<Checkpoint> {
  const { name, ...content } = await readCheckpointFiles(path, advise);
  return new Checkpoint(content, name);
}

async function load(
  this: Learner,
  path: string,
  { optimizer = true, strict = true }: LoadOptions = {},
): Promise<LoadReport> {
  const { runner } = this;
  await runner.open();
  const name = checkpointName(path);
  const isPlain = !optimizer && existsSync(`${name}.safetensors`) && !existsSync(`${name}.json`);
  const checkpoint = isPlain ? undefined : await readCheckpoint(path);
  const tensors = checkpoint?.tensors ?? (await readTensorFile(`${name}.safetensors`)).tensors;
  const report = compareWeights([...runner.parameters, ...runner.buffers], tensors);
  if (strict) requireAll(report, path);
  const now = await runner.getState();
  const weights = {
    parameters: gather(runner.parameters, tensors, undefined, now.parameters),
    buffers: gather(runner.buffers, tensors, undefined, now.buffers),
  };
  const fitsExactly = report.missing.length + report.mismatched.length + report.unexpected.length === 0;
  if (!optimizer || !checkpoint?.info.optimizer || !fitsExactly) {
    await runner.setState(weights);
    return { ...report, optimizer: false };
  }
  const { opt, state } = checkpoint.optimizerFor(this);
  await runner.setOptimizer(opt.spec);
  await runner.setState({ ...weights, optimizer: state });
  this.opt = opt;
  return { ...report, optimizer: true };
}

addMethods({ save, load, readCheckpoint: (path: string) => readCheckpoint(path) });
