/** Charts as data, and what stands in their pictures. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import t from 'tap';
import { chartGrid, heatMap, lineChart } from '../../src/plot/chart.js';
import { decimate, means } from '../../src/plot/decimate.js';
import { renderPng, renderSvg } from '../../src/plot/render.js';
import { savePlot } from '../../src/plot/save-plot.js';

const losses = lineChart({
  title: 'Loss <of a run>',
  x: { label: 'time', unit: 's' },
  y: { label: 'loss' },
  series: [
    { name: 'train', x: [0, 1, 2, 3], y: Float32Array.of(4, 2, Number.NaN, 1) },
    { name: 'valid', x: [1, 3], y: [3, 2] },
  ],
  marks: [{ x: 2, label: 'here' }],
});

const counts = heatMap({
  title: 'Activations',
  x: { label: 'training batch' },
  y: { label: '|activation|', range: [0, 10] },
  color: { label: 'count', log: true },
  values: [
    [0, 10, 99],
    [0, 0, 9],
  ],
});

/** Texts of an SVG, in its order. */
const textsOf = (svg: string): string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

/** Numbers of the `d` of each line mark. */
const linesOf = (svg: string): string[] =>
  [...svg.matchAll(/aria-roledescription="line mark"[^>]* d="([^"]*)"/g)].map(([, d]) => d);

t.test('a line chart: title, axes with units, legend, mark, and a line with a gap', async t => {
  const svg = await renderSvg(losses);
  const texts = textsOf(svg);
  for (const text of ['Loss &lt;of a run>', 'time (s)', 'loss', 'train', 'valid', 'here'])
    t.ok(
      texts.some(one => one.replaceAll('&gt;', '>') === text),
      text,
    );
  const lines = linesOf(svg);
  t.equal(lines.length, 2);
  const points = lines.map(d => [...d.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [+x, +y]));
  t.equal(lines[0].match(/M/g)?.length, 2, 'NaN breaks the line');
  const [train, valid] = points;
  // Both series on the same axes: valid goes from (1, 3) to (3, 2).
  t.equal(valid[0][0], train[1][0]);
  t.ok(valid[0][1] > train[0][1] && valid[0][1] < train[1][1], 'higher loss is higher up');
  t.equal(valid[1][1], train[1][1], '2 is 2');
});

t.test('a rate over decades: ticks at the powers of ten, nothing at or below 0', async t => {
  const x = [0, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10];
  const series = [{ name: 'loss', x, y: x.map((_, i) => i) }];
  const svg = await renderSvg(
    lineChart({ title: '', x: { label: 'rate', log: true }, y: { label: 'loss' }, series }),
  );
  const texts = textsOf(svg);
  for (const text of ['1e-5', '1e-4', '1e-3', '0.01', '0.1', '1', '10']) t.ok(texts.includes(text), text);
  const [d] = linesOf(svg);
  t.equal(d.match(/[ML]/g)?.length, 7);
});

t.test('a heat map is one picture of a pixel for each cell, row 0 at the bottom', async t => {
  const svg = await renderSvg(counts);
  const [, base64] = svg.match(/href="data:image\/png;base64,([^"]+)"/)!;
  const { data, info } = await sharp(Buffer.from(base64, 'base64'))
    .raw()
    .toBuffer({ resolveWithObject: true });
  t.match(info, { width: 3, height: 2 });
  const pixel = (x: number, y: number) => [...data.subarray((y * 3 + x) * info.channels).subarray(0, 3)];
  const [purple, yellow] = [
    [68, 1, 84],
    [253, 231, 37],
  ];
  t.strictSame(
    [pixel(0, 0), pixel(0, 1), pixel(2, 1)],
    [purple, purple, yellow],
    'lowest and highest of viridis',
  );
  // log(1 + 9) is half of log(1 + 99): the middle of viridis.
  const [r, g, b] = pixel(2, 0);
  t.ok(Math.abs(r - 33) < 4 && Math.abs(g - 145) < 4 && Math.abs(b - 140) < 4, `${[r, g, b]}`);
  for (const text of ['Activations', 'training batch', '|activation|', 'count', '10', '0', '1'])
    t.ok(textsOf(svg).includes(text), text);
});

t.test('the legend of a logarithmic colour has the colours of the cells', async t => {
  const values = [[0, 9_999]];
  const axes = { title: '', x: { label: 'x' }, y: { label: 'y' } };
  const svg = await renderSvg(heatMap({ ...axes, color: { label: 'count', log: true }, values }));
  const stops = [...svg.matchAll(/<stop offset="([\d.]+)" stop-color="rgb\((\d+), (\d+), (\d+)\)"/g)];
  const middle = stops
    .map(([, ...numbers]) => numbers.map(Number))
    .filter(([at]) => Math.abs(at - 0.5) < 0.06);
  t.ok(middle.length > 0);
  for (const [, r, g, b] of middle)
    t.ok(r < 45 && g > 125 && g < 165 && b > 125 && b < 150, `the teal of viridis: ${[r, g, b]}`);
  for (const text of ['0', '1', '10', '100', '1,000']) t.ok(textsOf(svg).includes(text), text);
});

t.test('named cells: a table with its values', async t => {
  const names = ['shirt', 'boot'];
  const table = heatMap({
    title: 'Confusion',
    x: { label: 'predicted', names },
    y: { label: 'actual', names },
    color: { label: 'images' },
    values: [
      [7, 3],
      [0, 11],
    ],
    showValues: true,
  });
  const texts = textsOf(await renderSvg(table));
  for (const text of ['predicted', 'actual', '7', '3', '11']) t.ok(texts.includes(text), text);
  t.equal(texts.filter(text => text === 'boot').length, 2);
});

t.test(
  'a grid has all its charts in the size asked for, and no two with one name for a clip path',
  async t => {
    const grid = chartGrid({ title: 'All', charts: [losses, counts, losses] });
    t.equal(grid.columns, 2);
    const svg = await renderSvg(grid, { width: 800, height: 600, theme: 'dark' });
    const { width, height } = await sharp(Buffer.from(svg)).metadata();
    t.strictSame([width, height], [800, 600]);
    t.equal(textsOf(svg).filter(text => text === 'training batch').length, 1);
    const ids = [...svg.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    t.equal(new Set(ids).size, ids.length);
    for (const [, id] of svg.matchAll(/url\(#([^)]+)\)/g)) t.ok(ids.includes(id), id);
  },
);

t.test('light and dark: the background, in SVG and PNG', async t => {
  for (const [theme, grey] of [
    ['light', 255],
    ['dark', 17],
  ] as const) {
    const png = sharp(await renderPng(losses, { theme, width: 300, height: 200 }));
    const { width, height } = await png.metadata();
    t.strictSame([width, height], [600, 400], 'twice the pixels');
    const { data } = await png.removeAlpha().raw().toBuffer({ resolveWithObject: true });
    t.equal(data[1], grey);
  }
});

t.test('a plot is saved with its data beside it, which draws the same picture again', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'plot-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const files = await savePlot(losses, join(folder, 'sub', 'loss.svg'));
  t.strictSame(readdirSync(join(folder, 'sub')).toSorted(), ['loss.json', 'loss.svg']);
  const data = JSON.parse(readFileSync(files.data, 'utf8'));
  t.strictSame(data.series[0].y, [4, 2, null, 1]);
  t.equal(await renderSvg(data), readFileSync(files.picture, 'utf8'));
  await savePlot(counts, join(folder, 'heat.PNG'));
  t.equal((await sharp(join(folder, 'heat.PNG')).metadata()).format, 'png');
  await t.rejects(savePlot(losses, join(folder, 'loss.pdf')), { code: 'E_CONFIG', hint: /\.svg or \.png/ });
});

t.test('charts that cannot be', async t => {
  const axes = { title: 'T', x: { label: 'x' }, y: { label: 'y' } };
  t.throws(() => lineChart({ ...axes, series: [{ name: 'a', x: [1], y: [] }] }), { code: 'E_CONFIG' });
  const twice = { name: 'a', x: [1], y: [1] };
  t.throws(() => lineChart({ ...axes, series: [twice, twice] }), { message: /two series are called a/ });
  const color = { label: 'c' };
  t.throws(() => heatMap({ ...axes, color, values: [[1, 2], [3]] }), { code: 'E_CONFIG' });
  t.throws(() => heatMap({ ...axes, color: { label: 'c', log: true }, values: [[-1]] }), {
    code: 'E_CONFIG',
  });
  await t.rejects(renderSvg(losses, { width: 10 }), { code: 'E_CONFIG' });
  const empty = lineChart({ ...axes, series: [{ name: 'a', x: [1], y: [Number.NaN] }] });
  t.match(await renderSvg(empty), '<svg', 'nothing to show is no error');
});

t.test('a long series keeps its peaks', async t => {
  const y = Array.from({ length: 10_000 }, (_, i) => Math.sin(i / 100));
  y[4321] = 50;
  y[8765] = -50;
  const series = { name: 'a', x: y.map((_, i) => i), y };
  const thin = decimate(series, 200);
  t.ok(thin.y.length <= 1000);
  t.ok(thin.y.includes(50) && thin.y.includes(-50));
  t.equal(thin.x.at(0), 0);
  t.equal(thin.x.at(-1), 9999);
  t.ok(thin.x.every((x, i) => i === 0 || x! > thin.x[i - 1]!));
  t.equal(decimate(series, 5000), series, 'nothing is left out where there is room');
  t.strictSame(means([1, 3, null, 5, 7, 9], 3), [2, 5, 8]);
});
