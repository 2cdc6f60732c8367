/** The `bench` command: `npm run bench -- NAME [options]`. Without a name it lists the benches. */
import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError } from '../src/cli/report-error.js';
import { ConfigError, GradringError } from '../src/errors.js';
import { nearest } from '../src/nearest.js';
import { environment } from '../src/run/environment.js';
import { bench as allreduce } from './allreduce.js';
import { bench as cache } from './cache.js';
import { bench as eventLoop } from './event-loop.js';
import { describeFlags, parseFlags, text, toggle } from './flags.js';
import type { Bench } from './harness.js';
import { bench as loader } from './loader.js';
import { bench as memory } from './memory.js';
import { bench as overhead } from './overhead.js';
import { bench as parquet } from './parquet.js';
import { bench as photos } from './photos.js';
import { markdownTable, textTable, writeJson } from './report.js';
import { bench as scaling } from './scaling.js';
import { bench as soak } from './soak.js';
import { bench as step } from './step.js';

const benches: Readonly<Record<string, Bench>> = {
  loader,
  photos,
  cache,
  parquet,
  'event-loop': eventLoop,
  allreduce,
  step,
  scaling,
  overhead,
  memory,
  soak,
};

const sharedFlags = {
  json: text('file', '', 'write the figures there too, with every run, the machine and the versions'),
  markdown: toggle('print the table as Markdown'),
  peer: toggle('measure the peer too, in the same call'),
  python: text('command', 'python3', 'Python that has the packages of the peer'),
};

const exitUsage = 2;
const exitInterrupted = { SIGINT: 130, SIGTERM: 143 } as const;
/** How long a bench may take to end its threads after Ctrl-C. */
const graceMs = 3000;

function listing(): string {
  const lines = Object.entries(benches).flatMap(([name, { description, peer, flags = {} }]) => [
    `  ${name.padEnd(12)}${description}`,
    ...(peer ? [`${' '.repeat(14)}peer: ${peer}`] : []),
    ...describeFlags(flags, ' '.repeat(14)),
  ]);
  return [
    'Usage: npm run bench -- NAME [options]',
    '',
    ...lines,
    '',
    '  every bench',
    ...describeFlags(sharedFlags, ' '.repeat(14)),
    '',
    'More: docs/benchmarks.md',
  ].join('\n');
}

function find(name: string): Bench {
  if (Object.hasOwn(benches, name)) return benches[name];
  const meant = nearest(name, Object.keys(benches));
  throw new ConfigError(`there is no bench '${name}'`, {
    where: name,
    hint: meant === undefined ? `one of ${Object.keys(benches).join(', ')}` : `did you mean ${meant}?`,
  });
}

/** Before a bench of minutes, not after it. */
async function requireFolder(folder: string): Promise<void> {
  try {
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new ConfigError(`cannot write to the folder '${folder}'`, {
      where: '--json',
      hint: 'make the folder first',
      cause,
    });
  }
}

async function run([name, ...args]: readonly string[], signal: AbortSignal): Promise<void> {
  if (name === undefined || name === '--help') return console.log(listing());
  const bench = find(name);
  const { values, positionals } = parseFlags(args, { ...bench.flags, ...sharedFlags });
  if (positionals.length > 0) {
    throw new ConfigError(`one bench at a time: what is '${positionals[0]}'?`, {
      where: positionals[0],
      hint: 'npm run bench lists them',
    });
  }
  const { json, markdown, peer, python, ...own } = values;
  if (json !== '') await requireFolder(dirname(json));
  const say = (line: string): void => console.error(`  ${line}`);
  const report = await bench.run({ peer, peerOptions: { python, signal }, signal, values: own, say });
  const full = {
    ...report,
    bench: name,
    date: new Date().toISOString(),
    environment: await environment(),
    settings: { ...own, ...report.settings },
  };
  if (json !== '') await writeJson(json, full);
  console.log(markdown ? markdownTable(full) : textTable(full));
}

const controller = new AbortController();
let interrupted: number | undefined;
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (interrupted !== undefined) process.exit(interrupted);
    interrupted = exitInterrupted[name];
    controller.abort(new Error(name));
    setTimeout(() => process.exit(interrupted), graceMs).unref();
  });
}
try {
  await run(process.argv.slice(2), controller.signal);
} catch (error) {
  if (interrupted === undefined) {
    const expected = error instanceof GradringError;
    console.error(describeError(error, { debug: !expected, color: false }));
    process.exitCode = error instanceof ConfigError ? exitUsage : 1;
  }
}
if (interrupted !== undefined) process.exitCode = interrupted;
