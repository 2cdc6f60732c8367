/** Which files a list of shards means. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ConfigError, DatasetError } from '../../errors.js';

/**
 * The files that braces stand for, in order: `{000..012}` for numbers, as wide as they are written, `{a,b}` for
 * alternatives; several of them, the last one changing fastest.
 *
 * @throws ConfigError where braces hold neither
 */
export function expandBraces(pattern: string): string[] {
  const [whole, before, inner, after] = /^([^{}]*)\{([^{}]*)\}(.*)$/s.exec(pattern) ?? [];
  if (whole === undefined) {
    if (!/[{}]/.test(pattern)) return [pattern];
    throw badPattern(pattern, 'its braces do not match');
  }
  const rest = expandBraces(after);
  return alternatives(inner, pattern).flatMap(middle => rest.map(end => `${before}${middle}${end}`));
}

/**
 * Shards of a folder (its `.tar` files, sorted), of a pattern with braces, of one path, or of a list of these.
 *
 * @throws DatasetError where a shard is missing, or a folder has none
 */
export async function shardFiles(shards: string | readonly string[]): Promise<string[]> {
  const files: string[] = [];
  for (const pattern of typeof shards === 'string' ? [shards] : shards) {
    if (/[*?[\]]/.test(pattern)) throw badPattern(pattern, 'wildcards are not expanded');
    for (const path of expandBraces(pattern)) files.push(...(await shardsAt(resolve(path))));
  }
  if (files.length > 0) return files;
  throw new ConfigError('there are no shards in an empty list', {
    where: 'shards',
    hint: "name one file or more: 'train-{000..012}.tar'",
  });
}

async function shardsAt(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new DatasetError(`there is no shard ${path}`, {
      where: path,
      hint: 'check the path, and the range of the braces',
    });
  }
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter(name => name.endsWith('.tar')).sort();
  if (names.length > 0) return names.map(name => join(path, name));
  throw new DatasetError(`${path} has no .tar files`, { where: path, hint: 'give the folder of the shards' });
}

function alternatives(inner: string, pattern: string): string[] {
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(inner) ?? [];
  if (first === undefined) {
    if (inner.includes(',')) return inner.split(',');
    throw badPattern(pattern, `{${inner}} is neither a range nor a list`);
  }
  const [from, to] = [Number(first), Number(last)];
  if (to < from || to - from > 1_000_000) throw badPattern(pattern, `{${inner}} is no range that rises`);
  const width = first.startsWith('0') ? first.length : 0;
  return Array.from({ length: to - from + 1 }, (_, i) => String(from + i).padStart(width, '0'));
}

function badPattern(pattern: string, reason: string): ConfigError {
  return new ConfigError(`cannot expand ${pattern}: ${reason}`, {
    where: pattern,
    hint: "write ranges and lists in braces: 'train-{000..012}.tar', '{a,b}.tar'",
  });
}
