/** Finds misspelt events: a method that is silently never called is the hardest mistake to see. */
import leven from 'leven';
import { CallbackError } from '../errors.js';
import { Callback } from './callback.js';
import { type EventName, events } from './events.js';

const looksLikeHook = /^(before|after|cleanup|on)(_|[A-Z]|$)/;

/** Case and underscores are part of what people get wrong, not of how far off they are. */
const folded = (name: string): string => name.replaceAll('_', '').toLowerCase();

function nearestEvent(name: string): { event: EventName; distance: number } {
  const distances = events.map(event => ({ event, distance: leven(folded(name), folded(event)) }));
  return distances.reduce((best, next) => (next.distance < best.distance ? next : best));
}

/** Names of all methods of `callback`, its own and inherited, up to the base class. */
function methodNames(callback: object): string[] {
  const names: string[] = [];
  for (
    let holder: object | null = callback;
    holder !== null && holder !== Callback.prototype && holder !== Object.prototype;
    holder = Object.getPrototypeOf(holder)
  ) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(holder)))
      if (name !== 'constructor' && typeof property.value === 'function') names.push(name);
  }
  return names;
}

/**
 * Refuses what is no callback, and callbacks with a method that looks like an event but is none. Two letters off
 * count as a misspelling, but never more than a quarter of the word: `stop` is not a misspelt `step`.
 *
 * @throws CallbackError naming the method and the nearest event
 */
export function checkCallback(callback: unknown): asserts callback is Callback {
  if (typeof callback === 'function')
    throw new CallbackError(`${callback.name || 'A callback'} is a class or function, not a callback.`, {
      where: 'cbs',
      hint: `write new ${callback.name || 'MyCallback'}()`,
    });
  if (typeof callback !== 'object' || callback === null)
    throw new CallbackError(`${String(callback)} is not a callback.`, { where: 'cbs' });
  for (const name of methodNames(callback)) {
    if ((events as readonly string[]).includes(name)) continue;
    const { event, distance } = nearestEvent(name);
    if (!looksLikeHook.test(name) && distance > Math.min(2, Math.floor((event.length - 1) / 4))) continue;
    throw new CallbackError(
      `${callback.constructor.name}.${name} would never be called: there is no such event.`,
      {
        where: `${callback.constructor.name}.${name}`,
        hint:
          distance <= event.length / 2
            ? `did you mean ${event}? A helper method should be #private`
            : `the events are ${events.join(', ')}`,
      },
    );
  }
}
