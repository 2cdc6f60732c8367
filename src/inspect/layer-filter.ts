/** Which layers of the replicas' model are meant. */
import { ConfigError } from '../errors.js';
import type { LayerInfo } from '../protocol/model-info.js';

/**
 * A layer's name; the name of a class, for all layers of it; a pattern of names; a function; or several of these.
 * Input layers compute nothing and are never meant.
 */
export type LayerFilter =
  | string
  | RegExp
  | ((layer: LayerInfo) => boolean)
  | readonly (string | RegExp | ((layer: LayerInfo) => boolean))[];

/** Says which layers there are, for messages. */
const listed = (layers: readonly LayerInfo[]): string =>
  layers.map(({ name, type }) => `${name} (${type})`).join(', ');

function matches(layer: LayerInfo, filter: LayerFilter): boolean {
  if (typeof filter === 'string') return layer.name === filter || layer.type === filter;
  if (filter instanceof RegExp) return layer.name.search(filter) >= 0;
  if (typeof filter === 'function') return filter(layer);
  return filter.some(one => matches(layer, one));
}

/**
 * @param filter default: all layers
 * @returns the layers it means, in the order of the model, at least one
 * @throws ConfigError listing the layers, when it means none
 */
export function selectLayers(layers: readonly LayerInfo[], filter: LayerFilter = () => true): LayerInfo[] {
  const callable = layers.filter(({ type }) => type !== 'InputLayer');
  const chosen = callable.filter(layer => matches(layer, filter));
  if (chosen.length > 0) return chosen;
  const what = typeof filter === 'function' ? 'the filter' : String(filter);
  throw new ConfigError(`No layer of the model matches ${what}.`, {
    where: 'layer filter',
    hint: `the layers are ${listed(callable)}`,
  });
}
