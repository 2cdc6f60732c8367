/** The `pack` command: prints what was written, and how fast. */
import { join } from 'node:path';
import type { DatasetPair } from '../data/dataset.js';
import { openData } from '../data/open-dataset.js';
import type { PackReport } from '../data/pack-dataset.js';
import { checkTarget, packPair } from '../data/pack-pair.js';
import { DataProgressLine } from './data-progress.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import { listenForInterrupts } from './interrupt.js';
import { type PackFlags, packHelp, parsePackFlags } from './pack-flags.js';
import { describeError } from './report-error.js';

const out = (text: string): void => void process.stdout.write(`${text}\n`);
const err = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs the command; the exit code says how it went. */
export async function main(args: readonly string[]): Promise<void> {
  const interrupts = listenForInterrupts({
    say: err,
    stopping: 'stopping; no pack is left behind',
    again: 'stops now',
  });
  try {
    const flags = parsePackFlags(args);
    if (flags.help) out(packHelp());
    else await pack(flags, interrupts.signal);
    process.exitCode = exitCodes.done;
  } catch (error) {
    process.exitCode = interrupts.exitCode ?? exitCodeOf(error);
    const color = Boolean(process.stderr.isTTY) && !process.env.NO_COLOR;
    if (interrupts.exitCode === undefined) {
      err(describeError(error, { debug: args.includes('--debug'), color }));
    }
  } finally {
    interrupts.close();
  }
}

async function pack({ data, out: folder, open, pack, quiet }: PackFlags, signal: AbortSignal): Promise<void> {
  // Before anything is opened: a large dataset takes its time.
  checkTarget(folder, pack.force ?? false);
  const fetching = new DataProgressLine(process.stderr);
  const onProgress = quiet ? undefined : fetching.show;
  const pair = await openData(data, { ...open, signal, onProgress }).finally(fetching.clear);
  const progress = progressLine(pair, quiet);
  await packPair(pair, folder, {
    source: pair.name,
    ...pack,
    signal,
    onProgress: progress.show,
    onPacked: (split, report) => {
      progress.clear();
      if (!quiet) out(reportLine(join(folder, `${split}.pack`), report));
    },
  }).finally(progress.clear);
}

/** One line on a terminal, written over as it goes; nothing elsewhere. */
function progressLine(
  pair: DatasetPair,
  quiet: boolean,
): { show(split: keyof DatasetPair, images: number): void; clear(): void } {
  if (quiet || !process.stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  return {
    show: (split, images) => {
      process.stderr.write(
        `\r\x1b[K${split}: ${images.toLocaleString('en')} of ${count(pair[split].length)}`,
      );
    },
    clear: () => void process.stderr.write('\r\x1b[K'),
  };
}

const count = (images: number): string => `${images.toLocaleString('en')} images`;

function reportLine(file: string, { images, bytes, seconds }: PackReport): string {
  const megabytes = bytes / 1e6;
  const rate = megabytes / Math.max(seconds, 1e-3);
  return `${file}: ${count(images)}, ${megabytes.toFixed(1)} MB in ${seconds.toFixed(2)} s, ${rate.toFixed(0)} MB/s`;
}
