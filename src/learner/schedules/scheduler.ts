/** Learning-rate schedules: objects that write the settings of an optimizer's groups, one `step()` at a time. */
import { ConfigError } from '../../errors.js';
import type { Optimizer } from '../optimizer.js';

/** Where a schedule stands, as JSON. */
export type SchedulerState = Readonly<Record<string, unknown>>;

export interface Scheduler {
  /** Moves on by one step and writes the new settings. */
  step(): void;
  /** The rates last written, one per group. */
  getLastLr(): number[];
  /** What a schedule of the same options must know to go on from here. */
  state(): SchedulerState;
  /**
   * Goes on from there, with the settings of that point; those of a schedule made with other rates are its own.
   * @throws ConfigError if it is not the state of such a schedule
   */
  restore(state: SchedulerState): void;
}

/** The part that all schedules share which come from the rates they find: those, and the number of steps. */
export abstract class StepScheduler implements Scheduler {
  /** Rates that the groups had when the schedule was made. */
  protected readonly baseLrs: readonly number[];
  /** Steps done. */
  protected steps = 0;
  protected readonly optimizer: Optimizer;

  constructor(optimizer: Optimizer) {
    this.optimizer = optimizer;
    this.baseLrs = this.getLastLr();
  }

  /** The rate before the first step. */
  protected firstRate(baseLr: number): number {
    return baseLr;
  }

  /** The rate after `this.steps` steps. */
  protected abstract rate(lastLr: number, baseLr: number): number;

  step(): void {
    this.steps++;
    this.optimizer.paramGroups.forEach((group, i) => {
      group.lr = this.rate(group.lr, this.baseLrs[i]);
    });
  }

  getLastLr(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  state(): SchedulerState {
    return { steps: this.steps, baseLrs: this.baseLrs, lastLrs: this.getLastLr() };
  }

  restore(state: SchedulerState): void {
    const { paramGroups } = this.optimizer;
    const name = this.constructor.name;
    const steps = countIn(state, 'steps', name);
    const baseLrs = ratesIn(state, 'baseLrs', paramGroups.length, name);
    const lastLrs = ratesIn(state, 'lastLrs', paramGroups.length, name);
    if (baseLrs.every((lr, i) => lr === this.baseLrs[i])) {
      this.steps = steps;
      writeRates(this.optimizer, lastLrs);
    } else {
      this.steps = 0;
      writeRates(
        this.optimizer,
        this.baseLrs.map(lr => this.firstRate(lr)),
      );
      while (this.steps < steps) this.step();
    }
  }
}

export function writeRates(optimizer: Optimizer, rates: readonly number[]): void {
  optimizer.paramGroups.forEach((group, i) => {
    group.lr = rates[i];
  });
}

/** More than a run ever takes: some schedules are gone through step by step, which must come to an end. */
const MOST_STEPS = 1e8;

/** A whole number ≥ 0 of a state. */
export function countIn(state: SchedulerState, name: string, where: string): number {
  const value = state[name];
  const holds = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_STEPS;
  demand(holds, where, `state.${name}`, `a whole number of 0 … ${MOST_STEPS}`, value);
  return value as number;
}

/** One number per group, of a state. */
export function ratesIn(
  state: SchedulerState,
  name: string,
  groups: number,
  where: string,
): readonly number[] {
  const value = state[name];
  const fits = Array.isArray(value) && value.length === groups && value.every(Number.isFinite);
  demand(fits, where, `state.${name}`, `${groups} numbers, one for each group`, JSON.stringify(value));
  return value as number[];
}

/** @throws ConfigError that names the schedule and its option */
export function demand(
  holds: boolean,
  schedule: string,
  name: string,
  expected: string,
  got: unknown,
): asserts holds {
  if (!holds)
    throw new ConfigError(`${name} must be ${expected}, not ${inWords(got)}.`, {
      where: `${schedule} ${name}`,
    });
}

/** A state may hold anything: not all of it can be made a text. */
const inWords = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
