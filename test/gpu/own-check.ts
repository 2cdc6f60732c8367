/** One check in a process of its own: `own-check.js NAME SETTINGS`. Its last line is the outcome, as JSON. */
import { ownChecks } from './own-checks.js';
import type { Settings } from './settings.js';

const [name, settings] = process.argv.slice(2);
const outcome = await ownChecks[name](JSON.parse(settings) as Settings);
process.stdout.write(`${JSON.stringify(outcome)}\n`);
