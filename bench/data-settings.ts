import { availableParallelism } from 'node:os';
import { imageAddon } from '../src/data/image-addon.js';

/** What a table of a data bench was measured with. */
export function dataSettings(): { readonly cores: number; readonly 'image addon': string } {
  const has = Object.keys(imageAddon());
  return { cores: availableParallelism(), 'image addon': has.join(' ') || 'none' };
}
