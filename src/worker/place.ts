import type { ControlBlock } from '../allreduce/control-block.js';
import type { Phase } from '../protocol/phases.js';

/** Where a replica stands among those it trains with. It changes when one of them is lost. */
export class Place {
  control: ControlBlock;
  rank: number;

  constructor(control: ControlBlock, rank: number) {
    this.control = control;
    this.rank = rank;
  }

  /** Says, in shared memory, what this replica begins to do. */
  enter(phase: Phase, step?: number): void {
    this.control.enter(this.rank, phase, step);
  }
}
