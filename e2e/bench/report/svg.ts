// Plots as SVG text. Libraries that draw without a browser's DOM are either large (vega: 30 packages; echarts: 50 MB) or
// only compute paths and leave the drawing to their user (d3-shape); bars and lines are these few lines.

/** What a bar or line belongs to; decides its colour. */
export type Tone = 'ours' | 'newer' | 'peer' | 'raw';

const width = 760;
const left = 190;
const right = 110;
const colours: Record<Tone, string> = { ours: '#2a6fdb', newer: '#7fa8e8', peer: '#d9822b', raw: '#7a7f87' };
const style = `text{font:13px system-ui,sans-serif;fill:#24292f}.small{font-size:11px;fill:#57606a}.grid{stroke:#d0d7de}
rect.paper{fill:#fff}@media(prefers-color-scheme:dark){rect.paper{fill:#0d1117}text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#3d444d}}`;

export interface Bar {
  label: string;
  tone: Tone;
  value: number;
  /** What stands beside the bar. */
  text: string;
}

export interface BarChart {
  title: string;
  /** Said of the axis, `requests per second (logarithmic)`. */
  axis: string;
  groups: { label: string; bars: Bar[] }[];
  logarithmic?: boolean;
  /** A line across all bars: a goal. */
  mark?: { value: number; label: string };
}

export function barChart({ title, axis, groups, logarithmic = false, mark }: BarChart): string {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  const x = scale(values.concat(mark ? [mark.value] : []), logarithmic, left, width - right);
  const parts: string[] = [];
  let y = 64;
  for (const group of groups) {
    parts.push(text(12, y + 4, group.label));
    y += 12;
    for (const bar of group.bars) {
      parts.push(
        text(left - 8, y + 12, bar.label, 'small', 'end'),
        `<rect x="${left}" y="${y}" width="${fixed(x(bar.value) - left)}" height="16" fill="${colours[bar.tone]}"/>`,
        text(x(bar.value) + 6, y + 12, bar.text, 'small'),
      );
      y += 21;
    }
    y += 18;
  }
  if (mark) {
    const at = fixed(x(mark.value));
    parts.push(`<line class="grid" x1="${at}" x2="${at}" y1="56" y2="${y - 14}" stroke-dasharray="4 3"/>`);
    parts.push(text(x(mark.value), y, mark.label, 'small', 'middle'));
  }
  return document(title, axis, y + 12, parts);
}

export interface LineChart {
  title: string;
  axis: string;
  series: { label: string; tone: Tone; points: readonly (readonly [number, number])[]; dashed?: boolean }[];
  logarithmicX?: boolean;
  /** Of the numbers along the axes. */
  xText: (value: number) => string;
  yText: (value: number) => string;
  /** The most of the vertical axis; the largest value unless told. */
  top?: number;
}

export function lineChart({ title, axis, series, logarithmicX = false, xText, yText, top }: LineChart): string {
  const [upper, lower] = [60, 300];
  const all = series.flatMap(({ points }) => points);
  const xs = all.map(([x]) => x);
  const x = scale(xs, logarithmicX, 60, width - 20);
  const most = top ?? Math.max(...all.map(([, value]) => value));
  const y = (value: number): number => lower - (value / most) * (lower - upper);
  const parts = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
    const at = fixed(y(share * most));
    return [
      `<line class="grid" x1="60" x2="${width - 20}" y1="${at}" y2="${at}"/>`,
      text(54, y(share * most) + 4, yText(share * most), 'small', 'end'),
    ];
  });
  for (const value of ticks(xs, logarithmicX)) parts.push(text(x(value), lower + 18, xText(value), 'small', 'middle'));
  series.forEach(({ label, tone, points, dashed = false }, index) => {
    const path = points.map(([px, py]) => `${fixed(x(px))},${fixed(y(py))}`).join(' ');
    const dash = dashed ? ' stroke-dasharray="5 4"' : '';
    parts.push(`<polyline points="${path}" fill="none" stroke="${colours[tone]}" stroke-width="2"${dash}/>`);
    const at = 60 + index * 170;
    parts.push(
      `<line x1="${at}" x2="${at + 22}" y1="340" y2="340" stroke="${colours[tone]}" stroke-width="2"${dash}/>`,
    );
    parts.push(text(at + 28, 344, label, 'small'));
  });
  return document(title, axis, 360, parts);
}

function document(title: string, axis: string, height: number, parts: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    text(12, 24, title),
    text(12, 42, axis, 'small'),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Maps values to where they are drawn; a logarithmic axis begins at the power of ten below the least. */
function scale(values: readonly number[], logarithmic: boolean, from: number, to: number): (value: number) => number {
  const positive = values.filter((value) => value > 0);
  const most = Math.max(...positive);
  const least = logarithmic ? 10 ** Math.floor(Math.log10(Math.min(...positive))) : 0;
  const share = logarithmic
    ? (value: number) => Math.log(Math.max(value, least) / least) / Math.log(most / least || 1)
    : (value: number) => value / most;
  return (value) => from + share(value) * (to - from);
}

function ticks(values: readonly number[], logarithmic: boolean): number[] {
  const most = Math.max(...values);
  if (!logarithmic) return [0, 0.25, 0.5, 0.75, 1].map((share) => share * most);
  const first = Math.floor(Math.log10(Math.min(...values.filter((value) => value > 0))));
  const count = Math.floor(Math.log10(most)) - first + 1;
  return Array.from({ length: count }, (_, index) => 10 ** (first + index));
}

function text(x: number, y: number, content: string, kind = '', anchor = ''): string {
  const attributes = (kind === '' ? '' : ` class="${kind}"`) + (anchor === '' ? '' : ` text-anchor="${anchor}"`);
  return `<text x="${fixed(x)}" y="${fixed(y)}"${attributes}>${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function fixed(value: number): string {
  return String(Number(value.toFixed(1)));
}
