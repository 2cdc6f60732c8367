/**
 * Features from the `dataset_info` of a dataset's README: what is known of files that other programs than `datasets`
 * wrote. Of YAML it reads what the hub writes there: blocks of `key: value` and `- item`, plain and quoted scalars.
 */
import { z } from 'zod';
import { ClassLabel, type Feature, type Features, Image } from '../rows/features.js';

type Yaml = string | Yaml[] | { [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
}

const classNames = z.object({
  class_label: z.object({ names: z.union([z.record(z.string(), z.string()), z.array(z.string())]) }),
});
const info = z.object({
  config_name: z.string().optional(),
  features: z.array(z.looseObject({ name: z.string(), dtype: z.unknown() })),
});

/**
 * The images and class labels that a README speaks of, by column: of this configuration, or of the only one. None
 * where it has no `dataset_info`, or one that is not understood.
 */
export function readmeFeatures(readme: string, config?: string): Features {
  const block = datasetInfoLines(readme);
  if (block.length === 0) return {};
  const parsed = new BlockParser(block).parse();
  const all = z.array(info).safeParse(Array.isArray(parsed) ? parsed : [parsed]);
  if (!all.success) return {};
  const chosen = all.data.find(({ config_name: name }) => name === config) ?? only(all.data);
  const features = (chosen?.features ?? []).map(({ name, dtype }) => [name, featureOf(dtype)] as const);
  return Object.fromEntries(features.filter((entry): entry is [string, Feature] => entry[1] !== undefined));
}

const only = <T>(items: readonly T[]): T | undefined => (items.length === 1 ? items[0] : undefined);

function featureOf(dtype: unknown): Feature | undefined {
  if (dtype === 'image') return new Image();
  const parsed = classNames.safeParse(dtype);
  if (!parsed.success) return undefined;
  const { names } = parsed.data.class_label;
  const list = Array.isArray(names) ? names : Object.keys(names).map((_, label) => names[String(label)]);
  // A gap in the numbers would shift every name behind it.
  const sound = list.every(name => name !== undefined) && new Set(list).size === list.length;
  return sound && list.length > 0 ? new ClassLabel(list) : undefined;
}

/** The lines below `dataset_info:` in the front matter. */
function datasetInfoLines(readme: string): Line[] {
  const [, front = ''] = /^---\r?\n([\s\S]*?)\r?\n---/.exec(readme) ?? [];
  const lines = front
    .split(/\r?\n/)
    .filter(line => !/^\s*(#|$)/.test(line))
    .map(line => ({ indent: line.search(/\S/), text: line.trim() }));
  const start = lines.findIndex(({ indent, text }) => indent === 0 && text === 'dataset_info:') + 1;
  if (start === 0) return [];
  const length = lines.slice(start).findIndex(({ indent, text }) => indent === 0 && !text.startsWith('- '));
  return lines.slice(start, length < 0 ? undefined : start + length);
}

class BlockParser {
  readonly #lines: Line[];
  #at = 0;

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  /** The block that begins at the next line: a list or a dictionary. */
  parse(): Yaml {
    const { indent, text } = this.#lines[this.#at];
    return text.startsWith('- ') ? this.#list(indent) : this.#dictionary(indent);
  }

  #list(indent: number): Yaml[] {
    const items: Yaml[] = [];
    for (let line = this.#here(indent, true); line !== undefined; line = this.#here(indent, true)) {
      const rest = line.text.slice(2);
      const text = rest.trimStart();
      // An item that is a dictionary begins on the line of its dash.
      this.#lines[this.#at] = { indent: indent + 2 + rest.length - text.length, text };
      items.push(keyOf(text) === undefined ? this.#scalar(text, indent) : this.parse());
    }
    return items;
  }

  #dictionary(indent: number): Record<string, Yaml> {
    const entries: [string, Yaml][] = [];
    for (let line = this.#here(indent, false); line !== undefined; line = this.#here(indent, false)) {
      const key = keyOf(line.text) ?? { name: line.text, value: '' };
      const next = this.#lines[this.#at + 1];
      // The items of a list may stand right below their key.
      const nested =
        next !== undefined &&
        (next.indent > indent || (next.indent === indent && next.text.startsWith('- ')));
      if (key.value !== '' || !nested) {
        entries.push([key.name, this.#scalar(key.value, indent)]);
      } else {
        this.#at++;
        entries.push([key.name, this.parse()]);
      }
    }
    return Object.fromEntries(entries);
  }

  #here(indent: number, dash: boolean): Line | undefined {
    const line = this.#lines[this.#at];
    return line?.indent === indent && line.text.startsWith('- ') === dash ? line : undefined;
  }

  /** Takes the line, and those that go on with it further in. */
  #scalar(text: string, indent: number): string {
    do this.#at++;
    while (this.#lines[this.#at]?.indent > indent);
    return unquoted(text);
  }
}

function keyOf(text: string): { readonly name: string; readonly value: string } | undefined {
  const [, name, value] = /^('(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^'"[{][^:]*?):(?:\s+(.*))?$/.exec(text) ?? [];
  return name === undefined ? undefined : { name: unquoted(name), value: value ?? '' };
}

function unquoted(text: string): string {
  const [, single, double] = /^(?:'((?:[^']|'')*)'|("(?:[^"\\]|\\.)*"))(?:\s+#.*)?$/.exec(text) ?? [];
  if (single !== undefined) return single.replaceAll("''", "'");
  if (double === undefined) return text.replace(/\s+#.*$/, '');
  try {
    return String(JSON.parse(double));
  } catch {
    // An escape that YAML has and JSON has not.
    return text;
  }
}
