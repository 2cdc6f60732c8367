/**
 * Writes docs/configuration.md from the schema of a run's settings. Run it after a change of src/run/config.ts:
 *
 *     npm run build && node scripts/make-configuration.mjs
 */
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

const introduction = `# Configuration

<!-- Written by scripts/make-configuration.mjs from src/run/config.ts: change that, and run the script. -->

The settings of a run: keys of the object given to \`train()\`, and flags of \`node scripts/train.js\`. Both are checked by the same schema; a key it does not know is refused. The settings as used, defaults filled in, are left in \`config.json\` of the run folder.`;

const show = value => `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;

/** What a value may be, in words, from its JSON Schema. */
function typeOf(property) {
  if (property.anyOf) return property.anyOf.map(typeOf).join(' or ');
  if (property.const !== undefined) return show(property.const);
  if (property.enum) return property.enum.map(show).join(', ');
  if (property.prefixItems) return `[${property.prefixItems.map(typeOf).join(', ')}]`;
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = property;
  const bounds = [
    exclusiveMinimum === undefined ? '' : `> ${exclusiveMinimum}`,
    minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? '' : `≥ ${minimum}`,
    exclusiveMaximum === undefined ? '' : `< ${exclusiveMaximum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? '' : `≤ ${maximum}`,
  ].filter(Boolean);
  const name = { integer: 'whole number', boolean: 'true or false', object: 'JSON object' };
  return [name[property.type] ?? property.type, bounds.join(', ')].filter(Boolean).join(' ');
}

/** The flag that sets a key: `batchSize` is --batch-size. */
const flagOf = key => key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);

const cell = text => text.replaceAll('|', '\\|');
const prose = text => cell(text.replaceAll('<', '&lt;'));

/**
 * The page.
 *
 * @param schema the zod schema of a run's settings
 * @param flags every flag of the command by name
 */
export function configurationPage(schema, flags) {
  const { properties } = z.toJSONSchema(schema, { io: 'input' });
  const rows = Object.entries(properties).map(([key, property]) => {
    const standard = property.default === undefined ? '–' : show(property.default);
    const flag = `--${flagOf(key)}`;
    const cells = [`\`${key}\``, `\`${flag}\``, prose(typeOf(property)), cell(standard)];
    return `| ${[...cells, prose(property.description ?? '')].join(' | ')} |`;
  });
  const own = Object.entries(flags).filter(([name]) => !Object.keys(properties).map(flagOf).includes(name));
  const ownRows = own.map(([name, { value, description, default: standard }]) => {
    const flag = value === undefined ? `--${name}` : `--${name} <${value}>`;
    return `| ${[`\`${flag}\``, standard === undefined ? '–' : show(standard), description].map(cell).join(' | ')} |`;
  });
  return `${[
    introduction,
    '## Settings of a run',
    ['| key | flag | value | default | |', '|---|---|---|---|---|', ...rows].join('\n'),
    'A path of `data`, `recipe` or `out` is relative to the working directory. `imageSize` is `[height, width]` in code and `HEIGHTxWIDTH` as a flag; `options` is an object in code and JSON text as a flag. What `gpus` and `engine` mean: [engines](engines.md). What `data` takes: [data](data.md). `model` and `recipe` exclude each other; without either it is `resnet`.',
    '## Flags of the command only',
    ['| flag | default | |', '|---|---|---|', ...ownRows].join('\n'),
  ].join('\n\n')}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { configSchema } = await import('../dist/run/config.js');
  const { allFlags } = await import('../dist/cli/flags.js');
  const page = configurationPage(configSchema, allFlags());
  writeFileSync(new URL('../docs/configuration.md', import.meta.url), page);
}
