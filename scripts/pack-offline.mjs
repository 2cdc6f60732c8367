#!/usr/bin/env node
// Packs all that a GPU machine without network needs to build and check the torch engine: npm run pack:offline
// There: tar xf gradring-offline.tar.gz && ./gradring-offline/gpu-check
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const limitMB = 60;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'gradring-offline.tar.gz') },
    // Another platform's, where this machine is not of the GPU machine's kind.
    node: { type: 'string', default: process.execPath },
  },
});

/** Our own files, as they lie here. */
const ownFiles = [
  ...['package.json', 'LICENSE', 'dist', 'native', 'data', 'bench/peers', 'bench/ceiling', 'docs'],
  ...['.build/src', '.build/bench', '.build/test/conformance', '.build/test/gpu', '.build/test/parity'],
  ...['.build/conformance', 'scripts/package.json', 'scripts/native', 'scripts/build-native.mjs'],
  ...['scripts/doctor.js', 'scripts/gpu-check.js', 'scripts/train.js'],
];

/** Of development, and yet needed: what runs TensorFlow.js's tests. */
const alsoPackages = ['node_modules/jasmine-core'];

/** Used by no check: what types, loads in browsers, or explains. */
const unneeded = [
  /\.map$/,
  /\.d\.[cm]?ts$/,
  /(^|\/)(README|CHANGELOG|HISTORY)[^/]*$/i,
  /^node_modules\/(@types|@webgpu)(\/|$)/,
  /^node_modules\/@tensorflow\/[^/]+\/(src|scripts|wasm-out|benchmarks|demos)(\/|$)/,
  // The bundles for browsers; Node takes the .node.js one and single modules.
  /^node_modules\/@tensorflow\/[^/]+\/dist\/(miniprogram$|tf-(?!.*\.node\.js$)[^/]*\.js$)/,
  /^node_modules\/@tensorflow\/.*_test\.js$/,
  /^node_modules\/[^/]+\/(src|test|tests|docs|benchmark|examples)$/,
];

const starter = `#!/bin/sh
# Builds the torch engine for this machine's LibTorch and checks it on its GPU; --help says more.
cd "$(dirname "$0")" || exit
PATH="$PWD/bin:$PATH" exec bin/node scripts/gpu-check.js "$@"
`;

/** Installed packages that are not of development only, by the lockfile. */
function productionPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
    .map(([path]) => path)
    .filter(path => existsSync(join(root, path)));
}

/** Compiles what is packed compiled, the bundle of TensorFlow.js's tests among it. */
function compile() {
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  for (const project of ['tsconfig.build.json', 'tsconfig.all.json']) {
    execFileSync(tsc, ['-p', project], { cwd: root, stdio: 'inherit' });
  }
  const bundle = join(root, '.build', 'test', 'conformance', 'bundle.js');
  execFileSync(process.execPath, [
    '-e',
    `import(${JSON.stringify(bundle)}).then(({ loadSuite }) => loadSuite())`,
  ]);
}

function stage(folder) {
  for (const path of [...ownFiles, ...productionPackages(), ...alsoPackages]) {
    cpSync(join(root, path), join(folder, path), { recursive: true, filter: isNeeded, dereference: true });
  }
  mkdirSync(join(folder, 'bin'));
  cpSync(values.node, join(folder, 'bin', 'node'), { dereference: true });
  writeFileSync(join(folder, 'gpu-check'), starter);
  chmodSync(join(folder, 'gpu-check'), 0o755);
}

function isNeeded(source) {
  const path = relative(root, source);
  return !unneeded.some(pattern => pattern.test(path));
}

compile();
const temporary = mkdtempSync(join(tmpdir(), 'gradring-offline-'));
try {
  stage(join(temporary, 'gradring-offline'));
  const out = resolve(values.out);
  execFileSync('tar', ['-C', temporary, '-I', 'gzip -9', '-cf', out, 'gradring-offline']);
  const megabytes = statSync(out).size / 1e6;
  process.stdout.write(`${basename(out)}: ${megabytes.toFixed(1)} MB\n`);
  if (megabytes > limitMB) {
    process.stderr.write(`✖ more than ${limitMB} MB\n`);
    process.exitCode = 1;
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
