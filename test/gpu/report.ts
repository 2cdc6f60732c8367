/** The report of a GPU check: for people as Markdown, for programs as JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../src/run/environment.js';
import type { Result } from './run-check.js';
import type { Settings } from './settings.js';

export interface Report {
  /** Of the GPU, or of the processor that stood in. */
  readonly deviceName: string;
  readonly driver?: string;
  /** ISO 8601. */
  readonly date: string;
  readonly settings: Settings;
  readonly environment: Environment;
  readonly results: readonly Result[];
}

const signs = { passed: '✔', failed: '✖', skipped: '–' } as const;

/** One line for the terminal. */
export function resultLine({ name, state, seconds, figures, problems, output }: Result): string {
  const facts = Object.entries(figures).map(([figure, value]) => `${figure} ${value}`);
  const said = problems.length > 0 ? problems : facts;
  // A table has no one line that says it all.
  const text =
    said.length > 0 || output?.includes('| :--') ? said.join('; ') : (output?.split('\n').at(-1) ?? '');
  return `${signs[state]} ${name.padEnd(18)}${`${seconds.toFixed(1)} s`.padStart(9)}  ${text}`.trimEnd();
}

export function markdown(report: Report): string {
  const { deviceName, driver, date, settings, environment, results } = report;
  const { processor, cores, memoryBytes, platform, node, gradring } = environment;
  const rows = results.map(
    ({ name, shows, state, seconds }) => `| ${signs[state]} ${name} | ${shows} | ${seconds.toFixed(1)} s |`,
  );
  return [
    `# ${settings.device}: ${deviceName}, ${date.slice(0, 10)}`,
    '',
    `${driver ? `Driver ${driver}; ` : ''}${processor}, ${cores} cores, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB, ` +
      `${platform}; gradring ${gradring}, node ${node}.${settings.quick ? ' Small sizes: a trial of the check.' : ''}`,
    '',
    '| check | shows | took |',
    '| :-- | :-- | --: |',
    ...rows,
    '',
    ...results.flatMap(section),
  ].join('\n');
}

function section({ name, state, command, figures, problems, output }: Result): string[] {
  const facts = Object.entries(figures).map(([figure, value]) => `* ${figure}: ${value}`);
  const shown =
    output === undefined ? [] : output.includes('| :--') ? [output, ''] : ['```', output, '```', ''];
  return [
    `## ${signs[state]} ${name}`,
    '',
    `\`${command}\``,
    '',
    ...problems.map(problem => `* **${problem}**`),
    ...facts,
    ...(problems.length + facts.length > 0 ? [''] : []),
    ...shown,
  ];
}

/** @returns the file for people */
export function writeReport(folder: string, report: Report): string {
  mkdirSync(folder, { recursive: true });
  const slug = report.deviceName
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  const base = join(folder, `gpu-${slug}-${report.date.slice(0, 10)}`);
  writeFileSync(`${base}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  writeFileSync(`${base}.md`, markdown(report));
  return `${base}.md`;
}
