import type { Optimizer } from '../optimizer.js';
import { countIn, demand, type Scheduler, type SchedulerState, writeRates } from './scheduler.js';

export interface SchedulePart {
  /** Steps until the next part takes over; the last part needs none. */
  readonly steps?: number;
  readonly make: (optimizer: Optimizer) => Scheduler;
}

/**
 * One schedule after the other, as a warm-up and what follows it. Each part is made when it begins, with the rates
 * the optimizer had at the start: what `LinearLR` and `CosineAnnealingLR` come to in PyTorch's `SequentialLR`.
 */
export class SequentialLR implements Scheduler {
  readonly #optimizer: Optimizer;
  readonly #parts: readonly SchedulePart[];
  readonly #baseLrs: readonly number[];
  #part = 0;
  #steps = 0;
  #current: Scheduler;

  /** @throws ConfigError */
  constructor(optimizer: Optimizer, parts: readonly SchedulePart[]) {
    demand(parts.length > 0, 'SequentialLR', 'parts', 'at least one', 'none');
    for (const { steps } of parts.slice(0, -1)) {
      const whole = Number.isInteger(steps) && (steps as number) > 0;
      demand(whole, 'SequentialLR', 'steps', 'a whole number above 0', steps);
    }
    this.#optimizer = optimizer;
    this.#parts = parts;
    this.#baseLrs = optimizer.paramGroups.map(({ lr }) => lr);
    this.#current = parts[0].make(optimizer);
  }

  step(): void {
    this.#steps++;
    if (this.#steps === this.#parts[this.#part].steps && this.#part < this.#parts.length - 1)
      this.#begin(this.#part + 1);
    else this.#current.step();
  }

  getLastLr(): number[] {
    return this.#current.getLastLr();
  }

  state(): SchedulerState {
    return { part: this.#part, steps: this.#steps, current: this.#current.state() };
  }

  restore(state: SchedulerState): void {
    const part = countIn(state, 'part', 'SequentialLR');
    const last = this.#parts.length - 1;
    demand(part <= last, 'SequentialLR', 'state.part', `at most ${last}`, part);
    this.#begin(part);
    this.#steps = countIn(state, 'steps', 'SequentialLR');
    this.#current.restore(state.current as SchedulerState);
  }

  #begin(part: number): void {
    writeRates(this.#optimizer, this.#baseLrs);
    this.#part = part;
    this.#steps = 0;
    this.#current = this.#parts[part].make(this.#optimizer);
  }
}
