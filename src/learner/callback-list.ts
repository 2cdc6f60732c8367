/** What is done to a Learner's list of callbacks. */
import type { Callback } from './callback.js';
import { checkCallback } from './hook-names.js';

export type CallbackClass<T extends Callback = Callback> = abstract new (...args: never[]) => T;

/** @throws CallbackError when one of them is no callback, or has an event that there is not */
export function addCallbacks(list: Callback[], added: readonly Callback[]): void {
  added.forEach(checkCallback);
  list.push(...added);
}

/** Takes out the last occurrence of each, if it is still there; of a class all its instances. */
export function removeCallbacks(list: Callback[], removed: readonly (Callback | CallbackClass)[]): void {
  for (const one of removed) {
    if (typeof one === 'function') {
      list.splice(0, list.length, ...list.filter(callback => !(callback instanceof one)));
      continue;
    }
    const index = list.lastIndexOf(one);
    if (index >= 0) list.splice(index, 1);
  }
}
