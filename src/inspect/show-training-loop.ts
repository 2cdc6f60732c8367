import type { Callback } from '../learner/callback.js';
import { batchEvents, type EventName, type StepEvent, stepEvents } from '../learner/events.js';
import { addMethods } from '../learner/extend.js';
import { Learner } from '../learner/learner.js';
import { inOrder, scopes } from '../learner/run-callbacks.js';
import { canFuse } from '../learner/training-step.js';

export interface TrainingLoopOptions {
  /** Callbacks of that fit only. */
  readonly cbs?: readonly Callback[];
  /** Whether the fit trains. Default true. */
  readonly train?: boolean;
  /** Whether the fit validates. Default true. */
  readonly valid?: boolean;
}

const isStep = (event: EventName): event is StepEvent => (stepEvents as readonly string[]).includes(event);

/** Whether a subclass of Learner does this step itself, so that callbacks are not asked. */
const overrides = (learn: Learner, event: StepEvent): boolean => learn[event] !== Learner.prototype[event];

/** A scope as lines: its before event, what is inside, its after and cleanup events. */
function scopeLines(
  name: string,
  scope: keyof typeof scopes,
  line: (event: EventName) => string,
  inside: readonly string[],
): string[] {
  const { before, after, cleanup } = scopes[scope];
  const indented = inside.map(text => `  ${text}`);
  return [`start ${name}`, line(before), ...indented, line(after), line(cleanup), `end ${name}`];
}

/**
 * The events of a fit in the order in which they happen, each with the callbacks that listen to it, in the order in
 * which they are called; `*` marks the five steps. After fast.ai's `show_training_loop`. Callbacks that others add
 * in the middle of a fit are not seen.
 *
 * @returns text to print
 */
function showTrainingLoop(
  this: Learner,
  { cbs = [], train = true, valid = true }: TrainingLoopOptions = {},
): string {
  const all = inOrder([...this.cbs, ...cbs]);
  const own = stepEvents.filter(event => overrides(this, event));
  const line = (event: EventName): string => {
    const listening = all.filter(callback => typeof callback[event] === 'function');
    const names = listening.map(callback => callback.constructor.name).join(', ');
    const who = isStep(event) && own.includes(event) ? `${this.constructor.name} itself` : names;
    return `  ${isStep(event) ? '*' : '-'} ${event.padEnd(13)} : ${who === '' ? '–' : who}`;
  };
  const phase = (name: string, steps: readonly EventName[]): string[] =>
    scopeLines(name, 'epoch', line, scopeLines('batch loop', 'batch', line, steps.map(line)));
  const note = canFuse(all, own)
    ? 'The steps go to the replicas as one message: nothing listens between them.'
    : 'The steps go to the replicas one by one.';
  const phases = [
    ...(train ? phase('train', batchEvents) : []),
    ...(valid ? phase('valid', batchEvents.slice(0, batchEvents.indexOf('backward'))) : []),
  ];
  const epochs = ['start epoch loop', ...phases.map(text => `  ${text}`), 'end epoch loop'];
  return [...scopeLines('fit', 'fit', line, epochs), note].join('\n');
}

declare module '../learner/learner.js' {
  interface Learner {
    /** The events of a fit in their order, each with the callbacks that listen to it, as text. */
    showTrainingLoop(options?: TrainingLoopOptions): string;
  }
}
addMethods({ showTrainingLoop });
