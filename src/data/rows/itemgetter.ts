import { ConfigError, DatasetError } from '../../errors.js';

type Key = string | number;
type Keyed = { readonly [key: Key]: unknown };

/**
 * Picks items by key, as Python's `operator.itemgetter`: several keys give a tuple, one key gives the **bare item**.
 * The function works on anything that has items: dictionaries, lists, collated batches.
 *
 * @throws ConfigError without keys; the function throws a DatasetError where a key is not there
 */
export function itemgetter(key: Key): (from: object) => unknown;
export function itemgetter(...keys: readonly [Key, Key, ...Key[]]): (from: object) => unknown[];
export function itemgetter(...keys: readonly Key[]): (from: object) => unknown;
export function itemgetter(...keys: readonly Key[]): (from: object) => unknown {
  if (keys.length === 0) throw new ConfigError('itemgetter has no keys', { where: 'itemgetter' });
  return from => (keys.length === 1 ? item(from, keys[0]) : keys.map(key => item(from, key)));
}

function item(from: object, key: Key): unknown {
  if (key in from) return (from as Keyed)[key];
  throw new DatasetError(`there is no item '${key}'`, {
    where: 'itemgetter',
    hint: `there are ${Object.keys(from).slice(0, 20).join(', ') || 'none'}`,
  });
}
