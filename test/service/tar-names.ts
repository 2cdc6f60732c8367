import { pipeline } from 'node:stream/promises';
import { list } from 'tar';
import { type Asked, open } from './service.js';

/** Names in a `.tar.gz` that is answered. */
export async function tarNames(asked: Asked): Promise<string[]> {
  const names: string[] = [];
  await pipeline(await open(asked), list({ onReadEntry: ({ path }) => void names.push(path), strict: true }));
  return names;
}
