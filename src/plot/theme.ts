/** Colours and sizes of the pictures. */

export type Theme = 'light' | 'dark';

export interface Palette {
  readonly background: string;
  readonly text: string;
  /** Axis lines and ticks. */
  readonly line: string;
  readonly grid: string;
  /** Of the series, in their order: after Okabe and Ito (2008), told apart by colour-blind eyes too. */
  readonly series: readonly string[];
}

export const palettes: Readonly<Record<Theme, Palette>> = {
  light: {
    background: '#ffffff',
    text: '#1f2328',
    line: '#59636e',
    grid: '#e4e8ec',
    series: ['#0072b2', '#d55e00', '#008f6b', '#b4508c', '#9a6700', '#3f87a6', '#5b5b5b', '#7a3fc4'],
  },
  dark: {
    background: '#0d1117',
    text: '#e6edf3',
    line: '#8b949e',
    grid: '#262c34',
    series: ['#58a6ff', '#ff9d5c', '#3ddbab', '#f08cc0', '#e3c341', '#86d8f5', '#b8b8b8', '#c4a1ff'],
  },
};

/** Of heat maps: even steps for every eye, and in grey too. */
export const ramp = 'viridis';
export const font = 'Helvetica, Arial, "DejaVu Sans", sans-serif';
export const titleSize = 16;
export const textSize = 13;
