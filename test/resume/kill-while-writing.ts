/**
 * Loaded into a program with `--import`: kills it when the KILL_AT_FILE-th file of its checkpoints is half written.
 */
import files, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const { open } = files;
const last = Number(process.env.KILL_AT_FILE);
let seen = 0;

const isCheckpoint = (path: string): boolean =>
  path.endsWith('.tmp') && basename(dirname(path)) === 'checkpoints';

async function writeHalf(file: FileHandle, data: Uint8Array): Promise<void> {
  await file.write(data.subarray(0, data.length >> 1));
  process.kill(process.pid, 'SIGKILL');
}

// Threads inherit what a program imports first; checkpoints are written by the main one.
if (isMainThread) {
  files.open = async (path, ...rest) => {
    const file = await open(path, ...rest);
    if (isCheckpoint(String(path)) && ++seen === last)
      file.writeFile = data => writeHalf(file, data as Uint8Array);
    return file;
  };
  syncBuiltinESMExports();
}
