/**
 * The table of contents of a tar archive, read from its headers alone. ustar, pax (POSIX.1-2001) and GNU long names;
 * a header is a block of 512 bytes, its payload follows, padded to whole blocks; an empty block ends the archive.
 */
import type { Header, HeaderData } from 'tar';
import { DatasetError } from '../../errors.js';
import { readExactly } from './pack-format.js';

export interface TarMember {
  /** As it stands in the archive, without a leading `./`. */
  readonly name: string;
  /** First byte of the payload. */
  readonly start: number;
  readonly bytes: number;
}

const BLOCK = 512;
/** Of long names and extended headers: guards against reading gigabytes where one is damaged. */
const MAX_NAME = 1 << 20;

/** What earlier headers say of the next member. */
interface Announced {
  name?: string;
  extended?: HeaderData;
  /** Of all members that follow. */
  global?: HeaderData;
}

/**
 * The files of an archive; folders are left out.
 *
 * @param size of the archive in bytes
 * @throws DatasetError naming archive and member: cut short, damaged, compressed, or with links or sparse files
 */
export async function tarMembers(descriptor: number, file: string, size: number): Promise<TarMember[]> {
  // Loaded by those who have archives: it is a tenth of the time that gradring itself takes to load.
  const { Header, Pax } = await import('tar');
  const members: TarMember[] = [];
  let announced: Announced = {};
  for (let position = 0; ; ) {
    const block = readExactly(descriptor, position, Math.max(Math.min(BLOCK, size - position), 0));
    if (position === 0 && block[0] === 0x1f && block[1] === 0x8b) throw gzipped(file);
    if (block.length < BLOCK) throw cutShort(file, size, `the block at byte ${position}`);
    const header = parse(() => new Header(block, 0, announced.extended, announced.global));
    if (header?.nullBlock) return members;
    if (!header?.cksumValid) throw position === 0 ? noArchive(file) : damaged(file, position);
    const { bytes, start, name } = placeOf(header, position, announced);
    if (start + bytes > size) throw cutShort(file, size, name);
    const text = (): string => {
      if (bytes > MAX_NAME) throw damaged(file, position);
      return readExactly(descriptor, start, bytes).toString('utf8');
    };
    switch (header.type) {
      case 'ExtendedHeader':
      case 'OldExtendedHeader': {
        const records = text();
        if (records.includes('GNU.sparse.')) throw refused(file, name, 'SparseFile');
        announced = { ...announced, extended: Pax.parse(records, announced.extended) };
        break;
      }
      case 'GlobalExtendedHeader':
        announced = { ...announced, global: Pax.parse(text(), announced.global, true) };
        break;
      case 'NextFileHasLongPath':
      case 'OldGnuLongPath':
        announced = { ...announced, name: text().replace(/\0.*$/s, '') };
        break;
      case 'NextFileHasLongLinkpath':
      case 'TapeVolumeHeader':
        break;
      case 'File':
      case 'OldFile':
      case 'ContiguousFile':
        members.push({ name, start, bytes });
        announced = { global: announced.global };
        break;
      case 'Directory':
      case 'GNUDumpDir':
        announced = { global: announced.global };
        break;
      default:
        throw refused(file, name, header.type);
    }
    position = start + Math.ceil(bytes / BLOCK) * BLOCK;
  }
}

/** Undefined where numbers of the header are none. */
function parse(decode: () => Header): Header | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

/** The extended headers' names stand above the header's own, which may be cut off. */
function placeOf(header: Header, position: number, { name, extended }: Announced): TarMember {
  const path = extended?.path ?? name ?? header.path ?? '';
  return { name: path.replace(/^(\.\/)+/, ''), start: position + BLOCK, bytes: header.size ?? 0 };
}

function gzipped(file: string): DatasetError {
  return new DatasetError(`${file} is a gzipped archive`, {
    where: file,
    hint: 'its members cannot be read one by one: gunzip it first; images hardly get larger by that',
  });
}

function noArchive(file: string): DatasetError {
  return new DatasetError(`${file} is no tar archive`, {
    where: file,
    hint: 'give shards as tar writes them; a folder or a manifest of images is opened without packing',
  });
}

function damaged(file: string, position: number): DatasetError {
  return new DatasetError(`${file} is damaged: there is no header at byte ${position}`, {
    where: `${file}, byte ${position}`,
    hint: 'copy or write the archive again',
  });
}

function cutShort(file: string, size: number, member: string): DatasetError {
  return new DatasetError(`${file} is cut short: it ends at byte ${size}, within ${member}`, {
    where: `${member} in ${file}`,
    hint: 'copy it again; a whole archive ends with an empty block',
  });
}

function refused(file: string, member: string, type: string): DatasetError {
  return new DatasetError(`${member} in ${file} is no plain file (${type})`, {
    where: `${member} in ${file}`,
    hint: 'archive the files themselves: tar --dereference --hard-dereference, without --sparse',
  });
}
