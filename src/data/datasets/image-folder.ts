import { readdir, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { DatasetError } from '../../errors.js';
import { sharedLabels } from '../dataset.js';
import { type ImageOptions, resizeOf, shapeOf } from '../decode/image-options.js';
import { stringTable } from '../samples/string-table.js';
import { SourceDataset } from './source-dataset.js';

const extensions: ReadonlySet<string> = new Set(
  ['png', 'jpg', 'jpeg', 'webp', 'gif', 'avif', 'tif', 'tiff', 'svg'].map(name => `.${name}`),
);

export type ImageFolderOptions = ImageOptions;

/**
 * A folder of class folders, as torchvision's `ImageFolder`: classes are the subfolders' names in sorted order,
 * samples the image files below them (nested folders too), sorted by path. Hidden files and files that are no
 * images by their extension are left out.
 */
export class ImageFolder extends SourceDataset {
  /** @throws DatasetError naming the folder, SampleError naming the first image where it cannot be read, ConfigError */
  static async open(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    const root = resolve(folder);
    const classes = await classFolders(root);
    if (classes.length === 0) {
      throw new DatasetError(`${root} has no class folders`, {
        where: root,
        hint: 'put the images of each class into a subfolder named after the class',
      });
    }
    const paths: string[] = [];
    const labels: number[] = [];
    for (const [label, name] of classes.entries()) {
      for (const path of await imagesBelow(join(root, name))) {
        paths.push(join(name, path));
        labels.push(label);
      }
    }
    const source = {
      name: root,
      storage: { kind: 'files', root, paths: stringTable(paths) } as const,
      imageShape: await shapeOf(join(root, paths[0]), options),
      resize: resizeOf(options),
      labels: sharedLabels(labels),
    };
    return new ImageFolder(source, classes);
  }
}

/** Names of the subfolders of `root`, sorted by code unit, hidden ones left out. */
export async function classFolders(root: string): Promise<string[]> {
  const names = await list(root, false);
  const found: string[] = [];
  // stat, not the entry's own type, because a class folder may be a link to one.
  for (const name of names) if ((await stat(join(root, name))).isDirectory()) found.push(name);
  return found;
}

async function imagesBelow(folder: string): Promise<string[]> {
  const paths = (await list(folder, true)).filter(path => extensions.has(extname(path).toLowerCase()));
  if (paths.length > 0) return paths;
  throw new DatasetError(`class folder ${folder} has no images`, {
    where: folder,
    hint: `remove it, or put images there (${[...extensions].join(' ')})`,
  });
}

async function list(folder: string, recursive: boolean): Promise<string[]> {
  try {
    const paths = await readdir(folder, { recursive });
    return paths.filter(path => !/(^|[\\/])\./.test(path)).sort();
  } catch (cause) {
    throw new DatasetError(`cannot read folder ${folder}: ${(cause as Error).message}`, {
      where: folder,
      hint: 'check the path and its permissions',
      cause,
    });
  }
}
