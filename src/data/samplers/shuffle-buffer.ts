import type { Random } from '../../random.js';

/**
 * A stream in another order, with `size` items held at a time, as WebDataset and tf.data shuffle: once the buffer is
 * full each item from the stream takes the place of one chosen at random, which is given out; at the end what is left
 * comes out shuffled. Exact and without repeats, but an item comes at most `size` − 1 places too early.
 */
export async function* shuffleBuffer<T>(
  items: AsyncIterable<T>,
  size: number,
  random: Random,
): AsyncGenerator<T, void, undefined> {
  const held: T[] = [];
  for await (const item of items) {
    held.push(item);
    if (held.length < size) continue;
    yield takeOne(held, random);
  }
  while (held.length > 0) yield takeOne(held, random);
}

/** One at random; the last one takes its place. */
function takeOne<T>(held: T[], random: Random): T {
  const chosen = random.below(held.length);
  const item = held[chosen];
  held[chosen] = held[held.length - 1];
  held.length--;
  return item;
}
