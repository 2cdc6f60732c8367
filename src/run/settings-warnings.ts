/** What the settings of a run, or of its process, make slower than it need be. */
import type { DataLoaders } from '../data/data-loaders.js';
import type { RunWarning } from '../protocol/warning.js';

type Loaders = Pick<DataLoaders, 'pool' | 'train'>;

/** More than this share of a batch's time the replicas with fewer samples wait for the others. */
const unevenLimit = 0.1;

/** What would make the loading faster. Sharp's threads are known once it has decoded an image. */
export function adviceOf({ pool, train }: Loaders): string[] {
  return [pool?.advice, train.cache?.advice].filter(text => text !== undefined);
}

export function settingsWarnings(batchSize: number, replicas: number, loaders: Loaders): RunWarning[] {
  const uneven = unevenShards(batchSize, replicas);
  return [...(uneven ? [uneven] : []), ...loaderWarnings(loaders)];
}

/** The same advice as warnings. */
export function loaderWarnings({ pool, train }: Loaders): RunWarning[] {
  return [
    ...(pool?.advice === undefined ? [] : [warningOf('W_LIBUV_THREADS', pool.advice)]),
    ...(train.cache?.advice === undefined ? [] : [warningOf('W_CACHE', train.cache.advice)]),
  ];
}

/** Advice says what is so, a colon, and what to do. */
function warningOf(code: string, advice: string): RunWarning {
  const [message, ...hint] = advice.split(': ');
  return { code, message, hint: hint.join(': ') };
}

function unevenShards(batchSize: number, replicas: number): RunWarning | undefined {
  const [least, most] = [Math.floor(batchSize / replicas), Math.ceil(batchSize / replicas)];
  const idle = (most - least) / most;
  if (idle <= unevenLimit) return undefined;
  const even = [least, most].filter(size => size > 0).map(size => size * replicas);
  return {
    code: 'W_UNEVEN_SHARDS',
    message:
      `a batch of ${batchSize} gives some of the ${replicas} replicas ${most} samples and others ${least}: ` +
      `those are idle for up to ${Math.round(idle * 100)} % of each step`,
    hint: `a batch size of ${even.join(' or ')} divides evenly`,
  };
}
