/** Where data that can be made again are kept between runs: decoded pixels, ingested tables, downloads. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The folder for `parts` within the cache folder, which is `GRADRING_CACHE` where that is set and
 * `~/.cache/gradring` (`$XDG_CACHE_HOME/gradring`) elsewhere. It is named, not made.
 */
export function cacheFolder(...parts: readonly string[]): string {
  const { GRADRING_CACHE, XDG_CACHE_HOME } = process.env;
  const root = GRADRING_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'gradring');
  return join(resolve(root), ...parts);
}
