/** Everything that is fuzzed: whatever gradring reads that somebody else may have written. */
import type { FuzzTarget } from './target.js';
import { checkpointTargets } from './targets/checkpoint.js';
import { configTargets } from './targets/config.js';
import { idxTargets } from './targets/idx.js';
import { jpegTargets } from './targets/jpeg.js';
import { packTargets } from './targets/pack.js';
import { parquetTargets } from './targets/parquet.js';
import { pngTargets } from './targets/png.js';
import { restoreTargets } from './targets/restore.js';
import { tableTargets } from './targets/tables.js';
import { tarTargets } from './targets/tar.js';
import { wireTargets } from './targets/wire.js';

export const targets: readonly FuzzTarget[] = [
  ...checkpointTargets,
  ...restoreTargets,
  ...packTargets,
  ...idxTargets,
  ...wireTargets,
  ...configTargets,
  ...tableTargets,
  ...tarTargets,
  ...parquetTargets,
  ...pngTargets,
  ...jpegTargets,
];
