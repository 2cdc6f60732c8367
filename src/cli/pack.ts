/** The `pack` command: prints what was written, and how fast. */
import { join } from 'node:path';
import { openData } from '../data/open-dataset.js';
import type { PackReport } from '../data/pack-dataset.js';
import { checkTarget, packPair } from '../data/pack-pair.js';
import type { DataProgress } from '../data/parquet/parquet-splits.js';
import { progressText } from './data-progress.js';
import { exitCodes } from './exit-codes.js';
import { type PackFlags, packHelp, parsePackFlags } from './pack-flags.js';
import { out, runCommand } from './run-command.js';
import { TerminalLine } from './terminal-line.js';

/** Runs the command; the exit code says how it went. */
export function main(args: readonly string[]): Promise<void> {
  const run = async (signal: AbortSignal): Promise<number> => {
    const flags = parsePackFlags(args);
    if (flags.help) out(packHelp());
    else await pack(flags, signal);
    return exitCodes.done;
  };
  return runCommand(args, { stopping: 'stopping; no pack is left behind', run });
}

async function pack({ data, out: folder, open, pack, quiet }: PackFlags, signal: AbortSignal): Promise<void> {
  // Before anything is opened: a large dataset takes its time.
  checkTarget(folder, pack.force ?? false);
  const line = new TerminalLine(process.stderr);
  const show = (text: string): void => {
    if (!quiet) line.show(text);
  };
  const opening = { ...open, signal, onProgress: (progress: DataProgress) => show(progressText(progress)) };
  const pair = await openData(data, opening).finally(line.clear);
  await packPair(pair, folder, {
    source: pair.name,
    ...pack,
    signal,
    onProgress: (split, images) =>
      show(`${split}: ${images.toLocaleString('en')} of ${count(pair[split].length)}`),
    onPacked: (split, report) => {
      line.clear();
      if (!quiet) out(reportLine(join(folder, `${split}.pack`), report));
    },
  }).finally(line.clear);
}

const count = (images: number): string => `${images.toLocaleString('en')} images`;

function reportLine(file: string, { images, bytes, seconds }: PackReport): string {
  const megabytes = bytes / 1e6;
  const rate = megabytes / Math.max(seconds, 1e-3);
  return `${file}: ${count(images)}, ${megabytes.toFixed(1)} MB in ${seconds.toFixed(2)} s, ${rate.toFixed(0)} MB/s`;
}
