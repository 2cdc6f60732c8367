/**
 * Decodes files in a process of its own, to see how much memory that takes: each file named in the arguments as 64×64
 * RGB, as it is and resized, and as 8×8 grey. The first one is sound, and brings the decoders into memory.
 */
import { readFileSync } from 'node:fs';
import type { Resize } from '../../../src/data/decode/decode.js';
import { openDecoder } from '../../../src/data/decode/open-decoder.js';
import { imageBytes } from '../../../src/data/samples/sample-source.js';
import type { ImageShape } from '../../../src/protocol/batch.js';

export interface BombReport {
  /** What became of each file: `decoded`, or the reason against it. */
  readonly outcomes: readonly { readonly alone: string; readonly resized: string; readonly small: string }[];
  /** By which the process grew after the first file, in MiB. */
  readonly grownMiB: number;
}

const [sound, ...bombs] = process.argv.slice(2);

async function outcome(file: string, shape: ImageShape, resize?: Resize): Promise<string> {
  try {
    await openDecoder(shape, resize)(readFileSync(file), new Uint8Array(imageBytes(shape)));
    return 'decoded';
  } catch (error) {
    return (error as Error).message;
  }
}

const all = async (file: string): Promise<BombReport['outcomes'][number]> => ({
  alone: await outcome(file, [64, 64, 3]),
  resized: await outcome(file, [64, 64, 3], { fit: 'fill', kernel: 'linear' }),
  small: await outcome(file, [8, 8, 1]),
});

await all(sound);
const before = process.resourceUsage().maxRSS;
const outcomes: BombReport['outcomes'][number][] = [];
for (const file of bombs) outcomes.push(await all(file));
const grownMiB = (process.resourceUsage().maxRSS - before) / 1024;
process.stdout.write(JSON.stringify({ outcomes, grownMiB } satisfies BombReport));
