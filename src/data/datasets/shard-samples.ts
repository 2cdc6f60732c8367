/** The samples of one tar shard: which members belong together, and what their labels say. */
import { closeSync, fstatSync } from 'node:fs';
import { DatasetError } from '../../errors.js';
import type { WrittenLabel } from './class-labels.js';
import { openFile } from './open-file.js';
import { readExactly } from './pack-format.js';
import { type TarMember, tarMembers } from './tar-members.js';

/** Which members of a sample are meant. */
export interface ShardMembers {
  /** Which member of a sample is its image, such as `png` or `left.jpg`. Default: the one with an image's extension. */
  readonly imageExtension?: string;
  /** Which one holds its label. Default: the first there is of `cls`, `json` and `txt`. */
  readonly labelExtension?: string;
}

export interface ShardSample {
  readonly image: TarMember;
  readonly label: WrittenLabel;
}

const imageExtensions: ReadonlySet<string> = new Set([
  'png',
  'jpg',
  'jpeg',
  'webp',
  'gif',
  'avif',
  'tif',
  'tiff',
  'ppm',
  'pgm',
  'pbm',
  'pnm',
]);
const labelExtensions = ['cls', 'json', 'txt'];

/** Of a member that holds a label. */
const MAX_LABEL = 1 << 20;

/** Members by extension. */
type Members = Map<string, TarMember>;

/**
 * Samples of a shard, in the order of their first members.
 *
 * @throws DatasetError naming shard and member where the archive or a sample is not whole
 */
export async function shardSamples(file: string, members: ShardMembers): Promise<ShardSample[]> {
  const descriptor = openFile(file);
  try {
    const found = await tarMembers(descriptor, file, fstatSync(descriptor).size);
    return Array.from(groups(found, file), ([key, parts]) => {
      const image = imagePart(parts, members.imageExtension);
      if (image === undefined) throw incomplete(file, key, parts, members.imageExtension ?? 'an image');
      const label = labelPart(parts, members.labelExtension);
      if (label === undefined) {
        throw incomplete(file, key, parts, members.labelExtension ?? labelExtensions.join(', or '));
      }
      return { image, label: readLabel(descriptor, file, label) };
    });
  } finally {
    closeSync(descriptor);
  }
}

/** Members by sample and extension. Names that begin with a dot, or have none, belong to no sample. */
function groups(members: readonly TarMember[], file: string): Map<string, Members> {
  const samples = new Map<string, Members>();
  for (const member of members) {
    const [, key, extension] = /^((?:.*\/)?[^./][^./]*)\.([^/]+)$/s.exec(member.name) ?? [];
    if (key === undefined) continue;
    const parts = samples.get(key) ?? new Map<string, TarMember>();
    if (parts.has(extension.toLowerCase())) {
      throw new DatasetError(`${member.name} is twice in ${file}`, {
        where: `${member.name} in ${file}`,
        hint: 'give each sample of a shard a name of its own, and write the shard again',
      });
    }
    parts.set(extension.toLowerCase(), member);
    samples.set(key, parts);
  }
  return samples;
}

function imagePart(parts: Members, given: string | undefined): TarMember | undefined {
  if (given !== undefined) return parts.get(extensionOf(given));
  for (const [extension, member] of parts) if (imageExtensions.has(extension)) return member;
  return undefined;
}

function labelPart(parts: Members, given: string | undefined): TarMember | undefined {
  const names = given === undefined ? labelExtensions : [extensionOf(given)];
  const name = names.find(name => parts.has(name));
  return name === undefined ? undefined : parts.get(name);
}

const extensionOf = (given: string): string => given.toLowerCase().replace(/^\./, '');

function readLabel(descriptor: number, file: string, member: TarMember): WrittenLabel {
  if (member.bytes > MAX_LABEL) throw noLabel(file, member, `it has ${member.bytes} bytes`);
  const text = readExactly(descriptor, member.start, member.bytes).toString('utf8').trim();
  if (text === '') throw noLabel(file, member, 'it is empty');
  return member.name.toLowerCase().endsWith('json') ? jsonLabel(text, file, member) : text;
}

function jsonLabel(content: string, file: string, member: TarMember): WrittenLabel {
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw noLabel(file, member, (cause as Error).message, cause);
  }
  const label = typeof value === 'object' && value !== null && 'label' in value ? value.label : value;
  if (typeof label === 'string' || (typeof label === 'number' && Number.isInteger(label))) return label;
  throw noLabel(file, member, 'it has no label that is a class name or a whole number');
}

function incomplete(file: string, key: string, parts: Members, missing: string): DatasetError {
  return new DatasetError(
    `sample ${key} in ${file} lacks ${missing}: it has ${[...parts.keys()].join(', ')}`,
    {
      where: `${key} in ${file}`,
      hint: 'complete the sample, take it out, or name the members: imageExtension, labelExtension',
    },
  );
}

function noLabel(file: string, member: TarMember, reason: string, cause?: unknown): DatasetError {
  return new DatasetError(`cannot read the label in ${member.name} in ${file}: ${reason}`, {
    where: `${member.name} in ${file}`,
    hint: '.cls holds an index, .txt a class name, .json an object with a label',
    cause,
  });
}
