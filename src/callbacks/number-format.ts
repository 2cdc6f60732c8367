/** Numbers as people read them in progress lines, in widths that do not jitter. */

/** `0:04`, `12:30`, `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${hours > 0 ? String(minutes).padStart(2, '0') : minutes}:${String(rest).padStart(2, '0')}`;
  return hours > 0 ? `${hours}:${tail}` : tail;
}

/** A whole number, its thousands set apart: `5 290`. */
export const grouped = (value: number): string =>
  Number.isFinite(value) ? String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ') : '–';

/** A share of 0 … 1 in per cent, without the sign. */
export const percent = (share: number, digits = 0): string => (share * 100).toFixed(digits);
