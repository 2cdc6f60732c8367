import leven from 'leven';

/** What someone most likely meant by `name`; undefined where nothing is close. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const distances = candidates.map(candidate => ({ candidate, distance: leven(name, candidate) }));
  const best = distances.reduce((a, b) => (b.distance < a.distance ? b : a));
  return best.distance <= Math.max(2, name.length / 3) ? best.candidate : undefined;
}
