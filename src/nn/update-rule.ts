import type { GroupSettings } from '../protocol/optimizer.js';

/** A named buffer of optimizer state, as long as the flat parameter buffer: what a checkpoint keeps. */
export type OptimizerBuffers = Readonly<Record<string, Float32Array>>;

/** Updates a stretch of the flat buffers. */
export interface UpdateRule {
  /** Zero before the first step. */
  readonly buffers: OptimizerBuffers;
  /**
   * Updates elements [start, end) of `values` and of the buffers.
   *
   * @param step 1 at the first step of these elements
   */
  update(
    values: Float32Array,
    grads: Float32Array,
    start: number,
    end: number,
    settings: GroupSettings,
    step: number,
  ): void;
}
