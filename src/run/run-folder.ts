/**
 * The folder a run leaves behind. Files are written under a temporary name and renamed, so that none is ever
 * seen half written; records are appended line by line.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileError, writeAtomically } from '../atomic-write.js';
import { RunFolderError } from '../errors.js';

const nextNumber = (parent: string): number => {
  const taken = readdirSync(parent).filter(name => /^\d+$/.test(name));
  return 1 + Math.max(0, ...taken.map(Number));
};

export class RunFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /**
   * @param path an absent or empty folder; default: the next free number under `runs/`
   * @throws RunFolderError when it holds something already, or cannot be made
   */
  static create(path?: string): RunFolder {
    return new RunFolder(
      path === undefined ? RunFolder.#claimNumber(resolve('runs')) : RunFolder.#claim(resolve(path)),
    );
  }

  /**
   * The folder of a run that goes on after `epochs` epochs: records of later ones, which are done again, are dropped,
   * and what told of its end, and what a program that was killed has left half written.
   */
  static reopen(path: string, epochs: number): RunFolder {
    const folder = new RunFolder(path);
    const rests = readdirSync(path).filter(name => name.endsWith('.tmp'));
    for (const name of ['FAILED.json', 'summary.json', ...rests]) rmSync(join(path, name), { force: true });
    const metrics = join(path, 'metrics.jsonl');
    if (!existsSync(metrics)) return folder;
    const lines = readFileSync(metrics, 'utf8')
      .split('\n')
      .filter(line => isRecordUpTo(line, epochs));
    folder.write('metrics.jsonl', lines.map(line => `${line}\n`).join(''));
    return folder;
  }

  /** A folder that is there, as it stands. */
  static at(path: string): RunFolder {
    return new RunFolder(path);
  }

  static #claimNumber(parent: string): string {
    for (;;) {
      let path = parent;
      try {
        mkdirSync(parent, { recursive: true });
        path = join(parent, String(nextNumber(parent)));
        // Not recursive: of two runs that start together only one gets the number.
        mkdirSync(path);
        return path;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || path === parent)
          throw fileError('made', path, cause);
      }
    }
  }

  static #claim(path: string): string {
    try {
      mkdirSync(path, { recursive: true });
      if (readdirSync(path).length === 0) return path;
    } catch (cause) {
      throw fileError('made', path, cause);
    }
    throw new RunFolderError(`the run folder ${path} is not empty`, {
      where: path,
      hint: 'name a new folder, or leave --out away to get the next number under runs/',
    });
  }

  write(name: string, content: string | Uint8Array): void {
    writeAtomically(join(this.path, name), content);
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
      throw fileError('written', path, cause);
    }
  }
}

/** Not the torn last line of a run that was cut off. */
function isRecordUpTo(line: string, epochs: number): boolean {
  try {
    return JSON.parse(line).epoch <= epochs;
  } catch {
    return false;
  }
}
