/** The GPU check: `node scripts/gpu-check.js`. Every check of `checks.ts` in turn; one that fails stops no other. */
import { cpus } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { pythonWith } from '../../bench/python.js';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { listGpus } from '../../src/engine/gpus.js';
import { packageRoot } from '../../src/package-root.js';
import { environment } from '../../src/run/environment.js';
import { checks } from './checks.js';
import { resultLine, writeReport } from './report.js';
import { type Result, runCheck } from './run-check.js';
import type { Settings } from './settings.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const help = `Checks the torch engine on a GPU and writes a report.

  node scripts/gpu-check.js [options]

  --engine-device <id>   cuda:0 unless said otherwise; cpu:0 makes the same checks on the processor
  --only <names>         some checks only: ${checks.map(({ name }) => name).join(',')}
  --quick                small sizes, to try the check itself
  --out <folder>         of the report [docs/results]`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      'engine-device': { type: 'string', default: 'cuda:0' },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string', default: join(packageRoot(), 'docs', 'results') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const names = values.only?.split(',');
  const unknown = names?.find(name => !checks.some(check => check.name === name));
  if (unknown !== undefined) throw new Error(`there is no check '${unknown}'`);
  return { ...values, chosen: checks.filter(({ name }) => names?.includes(name) ?? true) };
}

async function describeDevice(device: string): Promise<{ deviceName: string; driver?: string } | undefined> {
  if (!device.startsWith('cuda')) return { deviceName: cpus()[0]?.model.trim() || 'processor' };
  const gpu = (await listGpus())[Number(device.split(':')[1] ?? 0)];
  return gpu && { deviceName: gpu.name, driver: gpu.driver };
}

async function main(): Promise<number> {
  const { 'engine-device': device, quick, out, help: wantsHelp, chosen } = readArguments();
  if (wantsHelp) {
    say(help);
    return exitCodes.done;
  }
  const described = await describeDevice(device);
  if (!described) {
    say(`No GPU found for ${device}: nvidia-smi shows ${(await listGpus()).length} that may be used.`);
    say('To make the same checks on the processor: --engine-device cpu:0');
    return exitCodes.device;
  }
  say(`${device}: ${described.deviceName}${described.driver ? `, driver ${described.driver}` : ''}`);
  const settings: Settings = { device, quick, python: await pythonWith('torch') };
  const results: Result[] = [];
  for (const check of chosen) {
    const result = await runCheck(check, settings);
    results.push(result);
    say(resultLine(result));
    if (result.state === 'failed' && result.output) say(result.output.replaceAll(/^/gm, '    '));
  }
  const report = {
    ...described,
    date: new Date().toISOString(),
    settings,
    environment: await environment(),
    results,
  };
  const failed = results.filter(({ state }) => state === 'failed').length;
  say(
    `${results.length - failed} of ${results.length} without a failure; ${relative('', writeReport(out, report))}`,
  );
  return failed > 0 ? exitCodes.failed : exitCodes.done;
}

// Ending by exit() lets the check that runs end with us.
process.once('SIGINT', () => process.exit(exitCodes.interrupted));
process.once('SIGTERM', () => process.exit(exitCodes.terminated));
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`✖ ${(error as Error).message}\n  → node scripts/gpu-check.js --help\n`);
  process.exitCode = exitCodes.usage;
}
