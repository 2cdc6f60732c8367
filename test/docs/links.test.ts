/** Every relative link in README.md, CHANGELOG.md, docs/ and examples/ leads to a file, and to a heading of it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'tap';
import { packageRoot } from '../../src/package-root.js';

const root = packageRoot();

const below = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join(root, folder, name));

const pages = ['README.md', 'CHANGELOG.md']
  .map(name => join(root, name))
  .filter(file => existsSync(file))
  .concat(below('docs'), below('examples'));

/** Without what stands in code, where brackets are no links and # no heading. */
const prose = (file: string): string =>
  readFileSync(file, 'utf8')
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/^<!--[\s\S]*?-->/gm, '');

/** Anchors as GitHub makes them of headings. */
function anchors(file: string): string[] {
  const seen = new Map<string, number>();
  return [...prose(file).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => {
    const text = heading.trim().toLowerCase();
    const slug = text.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  });
}

for (const page of pages) {
  test(relative(root, page), t => {
    const links = [
      ...prose(page)
        .replace(/`[^`\n]*`/g, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ];
    for (const [, target] of links) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path, anchor] = target.split('#');
      const file = path === '' ? page : resolve(dirname(page), path);
      if (!existsSync(file)) t.fail(`${target}: there is no ${relative(root, file)}`);
      else if (anchor !== undefined && !(statSync(file).isFile() && anchors(file).includes(anchor)))
        t.fail(`${target}: ${relative(root, file)} has no heading #${anchor}`);
    }
    t.pass(`${links.length} links`);
    t.end();
  });
}
