/** A slot in which some samples could not be read. */
import type { SlotViews } from './batch-slots.js';

/** Index of a sample that cannot be used. No dataset has as many rows. */
export const BAD = 0xfffffffe;

/** Places of the samples that cannot be used, among the first `size`. */
export function badPlaces({ indices }: SlotViews, size: number): number[] {
  const places: number[] = [];
  for (let place = indices.indexOf(BAD); place >= 0 && place < size; place = indices.indexOf(BAD, place + 1))
    places.push(place);
  return places;
}

/**
 * Moves the samples at all other places together, in their order.
 *
 * @param places in ascending order
 * @returns how many samples there are then
 */
export function closeUp(
  { pixels, labels, indices }: SlotViews,
  size: number,
  places: readonly number[],
): number {
  const bytes = pixels.length / indices.length;
  let end = 0;
  for (let i = 0; i <= places.length; i++) {
    // The samples between two bad ones.
    const first = i === 0 ? 0 : places[i - 1] + 1;
    const last = i === places.length ? size : places[i];
    if (end !== first) {
      pixels.copyWithin(end * bytes, first * bytes, last * bytes);
      labels.copyWithin(end, first, last);
      indices.copyWithin(end, first, last);
    }
    end += last - first;
  }
  return end;
}
