import { join, resolve } from 'node:path';
import { DatasetError } from '../../errors.js';
import { sharedLabels } from '../dataset.js';
import { limitsOf } from '../decode/image-limits.js';
import { firstShape, type ImageOptions, resizeOf } from '../decode/image-options.js';
import { stringTable } from '../samples/string-table.js';
import { type Confinement, classFolders, imageExtensions, imagesBelow } from './list-images.js';
import { SourceDataset } from './source-dataset.js';

export interface ImageFolderOptions extends ImageOptions, Confinement {}

/**
 * A folder of class folders, as torchvision's `ImageFolder`: classes are the subfolders' names in sorted order,
 * samples the image files below them (nested folders too), sorted by path. Hidden files and files that are no
 * images by their extension are left out. Links may lead to what is within the folder.
 */
export class ImageFolder extends SourceDataset {
  /** @throws DatasetError naming the folder, SampleError naming the first image where it cannot be read, ConfigError */
  static async open(folder: string, options: ImageFolderOptions = {}): Promise<ImageFolder> {
    const root = resolve(folder);
    const classes = await classFolders(root, options);
    if (classes.length === 0) {
      throw new DatasetError(`${root} has no class folders`, {
        where: root,
        hint: 'put the images of each class into a subfolder named after the class',
      });
    }
    const paths: string[] = [];
    const labels: number[] = [];
    for (const [label, name] of classes.entries()) {
      for (const path of await imagesOf(root, name, options)) {
        paths.push(join(name, path));
        labels.push(label);
      }
    }
    const source = {
      name: root,
      storage: { kind: 'files', root, paths: stringTable(paths) } as const,
      imageShape: await firstShape(paths.length, row => join(root, paths[row]), options),
      resize: resizeOf(options),
      limits: limitsOf(options),
      labels: sharedLabels(labels),
    };
    return new ImageFolder(source, classes);
  }
}

/** Images of a class, with paths relative to the class folder. @throws DatasetError where there are none */
async function imagesOf(root: string, name: string, options: Confinement): Promise<string[]> {
  const folder = join(root, name);
  const paths = await imagesBelow(root, folder, options);
  if (paths.length > 0) return paths;
  throw new DatasetError(`class folder ${folder} has no images`, {
    where: folder,
    hint: `remove it, or put images there (${[...imageExtensions].join(' ')})`,
  });
}
