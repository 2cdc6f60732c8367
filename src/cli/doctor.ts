/** The `doctor` command: what of this machine gradring can use, what not, and what to do about it. */
import { environment } from '../run/environment.js';
import { canTrain, type Finding, findings } from './doctor-findings.js';
import { exitCodes } from './exit-codes.js';
import { parseArguments } from './parse-arguments.js';
import { out, runCommand } from './run-command.js';

const signs = { good: '✔', absent: '–', bad: '✖' } as const;

const flags = { json: {}, help: {}, debug: {} };

const help = `Usage: node scripts/doctor.js [options]

Looks at this machine: what gradring can use, what is missing for the rest, and what to do about it.

  --json     one JSON object: { ok, environment, findings: [{ name, state, text, advice }] }
  --debug    show the stack of an error
  --help     this page

It ends with code 0 where a training can work, and 3 where no engine can.

Docs: docs/engines.md, docs/native.md, docs/gpu.md`;

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

/** Runs the command; the exit code says whether a training can work. */
export function main(args: readonly string[] = []): Promise<void> {
  const run = async (): Promise<number> => {
    const { json, help: isHelp } = parseArguments(args, flags);
    if (isHelp) {
      out(help);
      return exitCodes.done;
    }
    const machine = await environment();
    const rows = await findings(machine);
    const ok = canTrain(rows);
    out(json ? JSON.stringify({ ok, environment: machine, findings: rows }, null, 2) : doctorTable(rows));
    return ok ? exitCodes.done : exitCodes.device;
  };
  return runCommand(args, { stopping: 'stopping', run });
}
