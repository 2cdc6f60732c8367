/** The image files below a folder, and where links in it may lead. */
import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, resolve, sep } from 'node:path';
import { DatasetError } from '../../errors.js';

export const imageExtensions: ReadonlySet<string> = new Set(
  ['png', 'jpg', 'jpeg', 'webp', 'gif', 'avif', 'tif', 'tiff', 'svg'].map(name => `.${name}`),
);

/** Where the files of a dataset may lie. */
export interface Confinement {
  /**
   * Take images that lie outside of the data folder: by links, and in manifests by absolute paths and `..`. Default
   * false: they are refused, since whoever made the data could read any image of the machine by them.
   */
  readonly allowOutside?: boolean;
}

/** Whether a path is a folder or something below it. Both absolute. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

/** @throws DatasetError naming the path and where it leads */
export function refuseOutside(path: string, target: string, root: string): never {
  throw new DatasetError(`${path} leads out of the data folder, to ${target}`, {
    where: path,
    hint: `put the file itself into ${root}; or, if the data are to be trusted, give allowOutside (--allow-outside)`,
  });
}

/** Names of the subfolders of `root`, and of links to folders, sorted by code unit, hidden ones left out. */
export async function classFolders(root: string, { allowOutside }: Confinement = {}): Promise<string[]> {
  const found: string[] = [];
  const realRoot = await realFolder(root);
  for (const entry of await shown(root)) {
    const path = join(root, entry.name);
    if (entry.isSymbolicLink()) {
      if (!(await statOf(path))?.isDirectory()) continue;
      if (!allowOutside) await confine(path, realRoot);
    } else if (!entry.isDirectory()) continue;
    found.push(entry.name);
  }
  return found.sort();
}

/**
 * Image files below a folder of `root`, by their extensions, sorted, with paths relative to that folder. Hidden ones are
 * left out. What has an image's name and is none, such as a pipe or a broken link, is among them: reading it fails.
 *
 * @throws DatasetError where a folder cannot be read, or a link leads out of `root`
 */
export async function imagesBelow(
  root: string,
  folder: string,
  { allowOutside = false }: Confinement = {},
): Promise<string[]> {
  const walk = new ImageWalk(folder, allowOutside ? undefined : await realFolder(root));
  await walk.enter('');
  return walk.paths.sort();
}

class ImageWalk {
  readonly paths: string[] = [];
  readonly #folder: string;
  /** What links may not lead out of. */
  readonly #realRoot: string | undefined;
  /** Folders that links led to: each is entered once, since links may go round in circles. */
  readonly #linked = new Set<string>();

  constructor(folder: string, realRoot: string | undefined) {
    this.#folder = folder;
    this.#realRoot = realRoot;
  }

  /** Takes the images of a folder below the first one, and of all that are in it. */
  async enter(below: string): Promise<void> {
    for (const entry of await shown(join(this.#folder, below))) {
      const path = join(below, entry.name);
      if (entry.isDirectory()) await this.enter(path);
      else if (entry.isSymbolicLink()) await this.#follow(path);
      else if (isImage(path)) this.paths.push(path);
    }
  }

  async #follow(path: string): Promise<void> {
    const link = join(this.#folder, path);
    const found = await statOf(link);
    const isFolder = found?.isDirectory() === true;
    if (!isFolder && !isImage(path)) return;
    // A link to nothing leads nowhere out.
    const target = found && (await this.#targetOf(link));
    if (!isFolder) this.paths.push(path);
    else if (target !== undefined && !this.#linked.has(target)) {
      this.#linked.add(target);
      await this.enter(path);
    }
  }

  #targetOf(link: string): Promise<string> {
    return this.#realRoot === undefined ? realpath(link) : confine(link, this.#realRoot);
  }
}

function isImage(path: string): boolean {
  return imageExtensions.has(extname(path).toLowerCase());
}

/** What is in a folder, without what is hidden. @throws DatasetError */
async function shown(folder: string): Promise<Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter(({ name }) => !name.startsWith('.'));
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    throw unreadable(folder, cause);
  }
}

/** Of what a link leads to; undefined where it leads to nothing. */
async function statOf(path: string): Promise<Stats | undefined> {
  return stat(path).catch(() => undefined);
}

/** Where a link leads. @throws DatasetError where that is outside of `realRoot` */
async function confine(link: string, realRoot: string): Promise<string> {
  const target = await realpath(link);
  return isWithin(realRoot, target) ? target : refuseOutside(resolve(link), target, realRoot);
}

function unreadable(folder: string, cause: unknown): DatasetError {
  return new DatasetError(`cannot read folder ${folder}: ${(cause as Error).message}`, {
    where: folder,
    hint: 'check the path and its permissions',
    cause,
  });
}
