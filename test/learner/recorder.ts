import { TrainCB } from '../../src/callbacks/train.js';
import { Callback } from '../../src/learner/callback.js';
import { type EventName, events, stepEvents } from '../../src/learner/events.js';
import type { Learner } from '../../src/learner/learner.js';

type Raise = Partial<Record<EventName, (learn: Learner) => void>>;

/** Events that a callback may listen to without doing a part of the step. */
export const heardEvents = events.filter(event => !(stepEvents as readonly string[]).includes(event));

/** Writes each of `heard` to `log` as it happens, then does what `act` says. */
export function recorder(
  log: string[],
  heard: readonly EventName[] = heardEvents,
  act: Raise = {},
): Callback {
  class Recorder extends Callback {}
  const callback = new Recorder();
  for (const event of heard)
    callback[event] = learn => {
      log.push(event);
      act[event]?.(learn);
    };
  return callback;
}

/** A TrainCB that writes its own steps to `log`. Not being TrainCB itself, it makes the step run in parts. */
export class RecordingTrainCB extends TrainCB {
  readonly #log: string[];

  constructor(log: string[]) {
    super();
    this.#log = log;
  }

  override async predict(learn: Learner): Promise<void> {
    this.#log.push('*predict');
    await super.predict(learn);
  }
  override async getLoss(learn: Learner): Promise<void> {
    this.#log.push('*getLoss');
    await super.getLoss(learn);
  }
  override async backward(learn: Learner): Promise<void> {
    this.#log.push('*backward');
    await super.backward(learn);
  }
  override async step(learn: Learner): Promise<void> {
    this.#log.push('*step');
    await super.step(learn);
  }
  override async zeroGrad(learn: Learner): Promise<void> {
    this.#log.push('*zeroGrad');
    await super.zeroGrad(learn);
  }
}
