/** The `doctor` command: what of this machine gradring can use, what not, and what to do about it. */
import { type Finding, findings } from './doctor-findings.js';

const signs = { good: '✔', absent: '–', bad: '✖' } as const;

/** One line a finding; what to do about it on a line of its own. */
export function doctorTable(rows: readonly Finding[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length)) + 2;
  return rows
    .map(({ name, state, text, advice }) => {
      const hint = advice === undefined ? '' : `\n${' '.repeat(width + 2)}→ ${advice}`;
      return `${signs[state]} ${name.padEnd(width)}${text}${hint}`;
    })
    .join('\n');
}

export async function main(): Promise<void> {
  process.stdout.write(`${doctorTable(await findings())}\n`);
}
