/** Input n of a target: a pure function of the seed, the target and n, so that any input can be made again. */
import { Purpose, Random } from '../../src/random.js';
import { mutateBytes, writeField } from './mutate-bytes.js';
import { mutateJson } from './mutate-json.js';
import type { JsonPart, OpenTarget } from './target.js';

export interface InputKey {
  readonly seed: number;
  /** Name of the target. */
  readonly target: string;
  readonly n: number;
}

export function mutatedInput(target: OpenTarget, { seed: key, target: name, n }: InputKey): Uint8Array {
  const random = new Random({ seed: key, purpose: Purpose.noise, epoch: wordOf(name), index: n });
  const { seeds, tokens = [], jsonOnly = false } = target;
  const seed = seeds[random.below(seeds.length)];
  let bytes = Buffer.from(seed.bytes);
  let edited = false;
  if (seed.json !== undefined && (jsonOnly || random.below(2) === 0)) {
    bytes = editJson(bytes, seed.json, random);
    edited = true;
  }
  if (!jsonOnly && (!edited || random.below(4) === 0)) {
    const other = seeds[random.below(seeds.length)].bytes;
    bytes = Buffer.from(mutateBytes(bytes, seed, { random, fields: seed.fields ?? [], other, tokens }));
  }
  if (target.repair === undefined || random.below(4) === 0) return bytes;
  return target.repair(bytes, random);
}

/** JSON that got shorter is filled up with spaces, so that what follows stays where it is. */
function editJson(
  bytes: Buffer,
  { start, length, lengthField }: JsonPart,
  random: Random,
): Buffer<ArrayBuffer> {
  const text = bytes.toString('utf8', start, start + length);
  const changed = Buffer.from((mutateJson(text, random) ?? text).padEnd(length, ' '));
  const whole = Buffer.concat([bytes.subarray(0, start), changed, bytes.subarray(start + length)]);
  // Now and then the length is left as it was.
  if (lengthField !== undefined && random.below(8) > 0)
    writeField(whole, lengthField, BigInt(changed.length));
  return whole;
}

/** FNV-1a. */
function wordOf(name: string): number {
  let word = 0x811c9dc5;
  for (const byte of Buffer.from(name)) word = Math.imul(word ^ byte, 0x01000193);
  return word >>> 0;
}
