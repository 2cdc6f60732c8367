import { styleText } from 'node:util';

export interface BarLine {
  /** What stands before the bar, such as `train 19/37`. */
  readonly label: string;
  /** Share done, 0 … 1. */
  readonly share: number;
  /** What stands after it, the most important first: what finds no room is left out. */
  readonly parts: readonly string[];
}

const widest = 30;

/**
 * One line of at most `columns` − 1 characters (the last would make some terminals wrap). The bar's width depends
 * on the terminal's only, so that bars stand one above the other and do not jitter with the text.
 */
export function barLine({ label, share, parts }: BarLine, columns: number, color: boolean): string {
  const room = Math.max(0, columns - 1);
  const width = Math.min(widest, Math.floor(room / 6));
  const done = Math.round(Math.min(1, Math.max(0, share)) * width);
  const head = `${label} `.slice(0, room - width);
  let tail = '';
  for (const part of parts) {
    const longer = `${tail}${tail && ' '} ${part}`;
    if (head.length + width + longer.length > room) break;
    tail = longer;
  }
  const [full, empty] = ['━'.repeat(done), '─'.repeat(width - done)];
  return color
    ? `${head}${paint('green', full)}${paint('gray', empty)}${tail}`
    : `${head}${full}${empty}${tail}`;
}

/** The caller has looked at the stream and at NO_COLOR; a later Node's own look at stdout must not overrule it. */
const paint = (format: 'green' | 'gray', text: string): string =>
  text === '' ? '' : styleText(format, text, { validateStream: false });
