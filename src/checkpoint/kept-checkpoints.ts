import type { MonitorMode } from '../learner/monitor.js';
import type { Position } from '../learner/position.js';

/** A checkpoint that a fit keeps. */
export interface SavedCheckpoint {
  /** Path without extension. */
  readonly path: string;
  readonly position: Position;
  readonly globalStep: number;
  /** What `monitor` was; undefined where no validation came before it, or it was not a number. */
  readonly value?: number;
}

/** Which checkpoints of a fit are kept: the best few, the newest few. Of equal ones the earlier counts as better. */
export class KeptCheckpoints {
  /** Best first. */
  best: readonly SavedCheckpoint[] = [];
  /** Oldest first. */
  newest: readonly SavedCheckpoint[] = [];
  /** What a resumed fit found and does again: kept until it has come as far itself. */
  #superseded: readonly SavedCheckpoint[] = [];
  readonly #counts: { readonly best: number; readonly newest: number };
  readonly #mode: MonitorMode;

  constructor(counts: { readonly best: number; readonly newest: number }, mode: MonitorMode) {
    this.#counts = counts;
    this.#mode = mode;
  }

  /** Takes over what lies in the folder of a fit that goes on after `globalStep`; oldest first. */
  takeOver(found: readonly SavedCheckpoint[], globalStep: number): void {
    const earlier = found.filter(saved => saved.globalStep <= globalStep);
    this.best = this.#bestOf(earlier);
    this.newest = this.#newestOf(earlier);
    // Also those of neither kind: what a program left that was killed before it removed them.
    const kept = new Set([...this.best, ...this.newest]);
    this.#superseded = found.filter(saved => !kept.has(saved));
  }

  /** Whether it would be one of them. */
  wants(saved: SavedCheckpoint): boolean {
    return this.#counts.newest > 0 || this.#bestOf([...this.best, saved]).includes(saved);
  }

  /** @returns paths of those that are no longer kept, now that this one is on the disk */
  add(saved: SavedCheckpoint): string[] {
    const others = (all: readonly SavedCheckpoint[]) => all.filter(({ path }) => path !== saved.path);
    const former = [...this.best, ...this.newest];
    this.best = this.#bestOf([...others(this.best), saved]);
    this.newest = this.#newestOf([...others(this.newest), saved]);
    const isPassed = ({ globalStep }: SavedCheckpoint) => globalStep <= saved.globalStep;
    former.push(...this.#superseded.filter(isPassed));
    this.#superseded = this.#superseded.filter(one => !isPassed(one));
    const kept = new Set([...this.best, ...this.newest].map(({ path }) => path));
    return [...new Set(former.map(({ path }) => path))].filter(path => !kept.has(path));
  }

  #newestOf(all: readonly SavedCheckpoint[]): SavedCheckpoint[] {
    return this.#counts.newest > 0 ? all.slice(-this.#counts.newest) : [];
  }

  #bestOf(all: readonly SavedCheckpoint[]): SavedCheckpoint[] {
    const sign = this.#mode === 'min' ? 1 : -1;
    const valued = all.filter(({ value }) => value !== undefined);
    // The sort is stable: of equal ones the earlier stays in front.
    return valued.sort((a, b) => sign * ((a.value ?? 0) - (b.value ?? 0))).slice(0, this.#counts.best);
  }
}
