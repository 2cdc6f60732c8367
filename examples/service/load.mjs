// The service under load: 200 watchers of its runs (half by server-sent events, half asking once a second) while 20
// runs are started and stopped. Fails when a request fails, or when threads, files or processes are left over.
import { spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ask, eventsOf } from './load-client.mjs';
import { resourcesOf } from './load-resources.mjs';

const { values: flags } = parseArgs({
  options: {
    watchers: { type: 'string', default: '200' },
    cycles: { type: 'string', default: '20' },
    'in-process': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const settings = { model: 'mlp', engine: 'wasm', gpus: 'cpu:2', workers: 0, batchSize: 250, epochs: 1000 };
const post = { method: 'POST', body: {} };

const root = await mkdtemp(join(tmpdir(), 'gradring-load-'));
const service = await startService();
try {
  const report = await measure(Number(flags.watchers), Number(flags.cycles));
  console.log(flags.json ? JSON.stringify(report) : textOf(report));
  if (report.errors.length > 0 || !report.backToBase) process.exitCode = 1;
} finally {
  service.child.kill('SIGTERM');
  if (service.child.exitCode === null) await once(service.child, 'exit');
  await rm(root, { recursive: true, force: true });
}

/** On a free port, runs under `root`. */
async function startService() {
  const program = fileURLToPath(new URL('server.mjs', import.meta.url));
  const own = flags['in-process'] ? ['--in-process'] : [];
  const child = spawn(process.execPath, [program, '--port', '0', '--root', root, ...own], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // However this program ends.
  process.once('exit', () => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the service ended with ${code}`)));
    lines.on('line', line => {
      const [, found] = /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (found) resolve(Number(found));
    });
  });
  return { child, port };
}

async function measure(watchers, cycles) {
  const { port, child } = service;
  const load = { port, errors: [], latencies: [], events: 0, current: '', done: new AbortController() };
  setMaxListeners(0, load.done.signal);
  // The first run loads what later ones find loaded.
  await cycle(load);
  const base = await settled(child.pid);
  const watching = Array.from({ length: watchers }, (_, n) =>
    n % 2 === 0 ? follow(load) : poll(load, (1000 * n) / watchers),
  );
  const since = performance.now();
  const memory = [];
  for (let n = 0; n < cycles; n++) {
    await cycle(load);
    memory.push((await resourcesOf(child.pid)).megabytes);
  }
  const seconds = (performance.now() - since) / 1000;
  const under = await resourcesOf(child.pid);
  load.done.abort();
  await Promise.all(watching);
  const after = await settled(child.pid, base);
  const { errors, latencies, events } = load;
  const backToBase = ['threads', 'files', 'children'].every(key => after[key] <= base[key]);
  const requests = { count: latencies.length, ...percentiles(latencies) };
  return { watchers, cycles, seconds, requests, events, errors, base, under, after, memory, backToBase };
}

/** Starts a run, sees it train, stops it and sees it end. */
async function cycle(load) {
  const { port, errors } = load;
  try {
    const { id } = await ask({ port, method: 'POST', path: '/runs', body: settings });
    load.current = id;
    for await (const event of eventsOf({ port, path: `/runs/${id}/events` })) {
      if (event.type === 'progress') await ask({ port, path: `/runs/${id}/stop`, ...post });
      if (event.type === 'failed') errors.push(`run ${id} failed: ${event.error.message}`);
    }
    const { state } = await ask({ port, path: `/runs/${id}` });
    if (state !== 'stopped') errors.push(`run ${id} is ${state}, not stopped`);
  } catch (error) {
    errors.push(`cycle: ${error.message}`);
  }
}

/** Reads the events of whatever run is current, from its first to its last. */
async function follow(load) {
  const { signal } = load.done;
  let seen = '';
  while (!signal.aborted) {
    const id = load.current;
    if (id === seen) {
      await pause(100, signal);
      continue;
    }
    seen = id;
    let last;
    try {
      for await (const event of eventsOf({ port: load.port, path: `/runs/${id}/events`, signal })) {
        last = event.type;
        load.events += 1;
      }
      if (last !== 'end') load.errors.push(`events of run ${id} ended with ${last}`);
    } catch (error) {
      if (!signal.aborted) load.errors.push(`events: ${error.message}`);
    }
  }
}

/** Asks once a second how the current run is, beginning after `offset` ms. */
async function poll(load, offset) {
  const { signal } = load.done;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await pause(offset, signal);
  while (!signal.aborted) {
    const since = performance.now();
    try {
      const { state } = await ask({ port: load.port, path: `/runs/${load.current}`, agent });
      if (!state) load.errors.push('a status without a state');
      load.latencies.push(performance.now() - since);
    } catch (error) {
      load.errors.push(`status: ${error.message}`);
    }
    await pause(Math.max(0, 1000 - (performance.now() - since)), signal);
  }
  agent.destroy();
}

function pause(ms, signal) {
  return sleep(ms, undefined, { signal }).catch(() => {});
}

/** What the service holds once it is at rest; at most 15 s are waited for it to come back to `base`. */
async function settled(pid, base) {
  for (let time = 0; ; time++) {
    await sleep(500);
    const now = await resourcesOf(pid);
    const rests = base ? ['threads', 'files'].every(key => now[key] <= base[key]) : now.children === 0;
    if (rests || time >= 30) return now;
  }
}

function percentiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function textOf({
  watchers,
  cycles,
  seconds,
  requests,
  events,
  errors,
  base,
  under,
  after,
  memory,
  backToBase,
}) {
  const resources = ({ megabytes, threads, files, children }) =>
    `${megabytes} MB, ${threads} threads, ${files} files, ${children} processes of its own`;
  return [
    `${watchers} watchers, ${cycles} runs started and stopped in ${seconds.toFixed(0)} s`,
    `status   ${requests.count} requests: p50 ${requests.p50.toFixed(1)} ms, p99 ${requests.p99.toFixed(1)} ms`,
    `events   ${events} sent`,
    `errors   ${errors.length}${errors.slice(0, 10).map(error => `\n         ${error}`)}`,
    `before   ${resources(base)}`,
    `during   ${resources(under)}`,
    `after    ${resources(after)}${backToBase ? '' : ': more than before'}`,
    `memory   after each run, MB: ${memory.join(' ')}`,
  ].join('\n');
}
