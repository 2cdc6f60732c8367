import type { ListedDevice } from '../engine/devices.js';

/** `--list-devices`, for people: one line a device, and for an absent engine why and what to do. */
export function deviceTable(devices: readonly ListedDevice[]): string {
  const rows = devices.map(({ engine, id = '–', description, isGpu, memoryMiB, driver, unavailable }) => {
    const note = unavailable ? `: ${unavailable.reason}\n${' '.repeat(22)}→ ${unavailable.hint}` : '';
    const memory = memoryMiB === undefined ? '' : `, ${(memoryMiB / 1024).toFixed(1)} GiB`;
    const version = driver === undefined ? '' : `, driver ${driver}`;
    return `${engine.padEnd(12)}${id.padEnd(10)}${isGpu ? 'GPU  ' : ''}${description}${memory}${version}${note}`;
  });
  return [`${'engine'.padEnd(12)}${'device'.padEnd(10)}description`, ...rows].join('\n');
}
