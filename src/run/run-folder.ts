/**
 * The folder a run leaves behind. Files are written under a temporary name and renamed, so that none is ever
 * seen half written; records are appended line by line.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { RunFolderError } from '../errors.js';

const nextNumber = (parent: string): number => {
  const taken = existsSync(parent) ? readdirSync(parent).filter(name => /^\d+$/.test(name)) : [];
  return 1 + Math.max(0, ...taken.map(Number));
};

export class RunFolder {
  readonly path: string;

  /**
   * @param path an absent or empty folder; default: the next free number under `runs/`
   * @throws RunFolderError when it holds something already, or cannot be made
   */
  constructor(path?: string) {
    this.path =
      path === undefined ? RunFolder.#claimNumber(resolve('runs')) : RunFolder.#claim(resolve(path));
  }

  static #claimNumber(parent: string): string {
    for (;;) {
      const path = join(parent, String(nextNumber(parent)));
      try {
        mkdirSync(parent, { recursive: true });
        // Not recursive: of two runs that start together only one gets the number.
        mkdirSync(path);
        return path;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cannot('made', path, cause);
      }
    }
  }

  static #claim(path: string): string {
    try {
      mkdirSync(path, { recursive: true });
      if (readdirSync(path).length === 0) return path;
    } catch (cause) {
      throw cannot('made', path, cause);
    }
    throw new RunFolderError(`the run folder ${path} is not empty`, {
      where: path,
      hint: 'name a new folder, or leave --out away to get the next number under runs/',
    });
  }

  write(name: string, content: string | Uint8Array): void {
    const path = join(this.path, name);
    const temporary = `${path}.tmp`;
    try {
      writeFileSync(temporary, content, { flush: true });
      renameSync(temporary, path);
    } catch (cause) {
      rmSync(temporary, { force: true });
      throw cannot('written', path, cause);
    }
  }

  writeJson(name: string, value: unknown): void {
    this.write(name, `${JSON.stringify(value, null, 2)}\n`);
  }

  /** Adds one line of JSON. */
  append(name: string, record: unknown): void {
    const path = join(this.path, name);
    try {
      appendFileSync(path, `${JSON.stringify(record)}\n`);
    } catch (cause) {
      throw cannot('written', path, cause);
    }
  }
}

function cannot(done: string, path: string, cause: unknown): RunFolderError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new RunFolderError(`${path} cannot be ${done}: ${reason}`, {
    where: path,
    hint: 'check permissions and free space, or name another folder with --out',
    cause,
  });
}
