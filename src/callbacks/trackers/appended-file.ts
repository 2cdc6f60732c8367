import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileError } from '../../atomic-write.js';

/** A file that only grows, in one write per flush: a crash can tear the last record, never an earlier one. */
export class AppendedFile {
  readonly path: string;
  #pending: Uint8Array[] = [];

  /** Makes the folder. @throws RunFolderError */
  constructor(path: string) {
    this.path = path;
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (cause) {
      throw fileError('made', dirname(path), cause);
    }
  }

  add(content: string | Uint8Array): void {
    this.#pending.push(typeof content === 'string' ? Buffer.from(content) : content);
  }

  /** @throws RunFolderError */
  flush(): void {
    if (this.#pending.length === 0) return;
    const content = Buffer.concat(this.#pending);
    this.#pending = [];
    try {
      appendFileSync(this.path, content);
    } catch (cause) {
      throw fileError('written', this.path, cause);
    }
  }
}
