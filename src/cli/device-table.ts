import type { ListedDevice } from '../engine/devices.js';

/** `--list-devices`, for people: one line a device, and for an absent engine why and what to do. */
export function deviceTable(devices: readonly ListedDevice[]): string {
  const rows = devices.map(({ engine, id = '–', description, isGpu, unavailable }) => {
    const note = unavailable ? `: ${unavailable.reason}\n${' '.repeat(22)}→ ${unavailable.hint}` : '';
    return `${engine.padEnd(12)}${id.padEnd(10)}${isGpu ? 'GPU  ' : ''}${description}${note}`;
  });
  return [`${'engine'.padEnd(12)}${'device'.padEnd(10)}description`, ...rows].join('\n');
}
