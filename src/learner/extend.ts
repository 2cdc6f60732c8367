/**
 * Methods of the Learner that live above it: what needs callbacks, plots or files. As in fast.ai, each stands in a
 * file of its own that adds it, here with its type by module augmentation:
 *
 *     declare module '../learner/learner.js' { interface Learner { summary(): ModelSummary } }
 *     addMethods({ summary });
 */
import { Learner } from './learner.js';

type Method = (this: Learner, ...args: never[]) => unknown;

/** Adds functions to `Learner.prototype`; inside them `this` is the Learner. */
export function addMethods(methods: Readonly<Record<string, Method>>): void {
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(Learner.prototype, name, { value, writable: true, configurable: true });
}
