/** A label, and what is said under it. */
export type Row = readonly [label: string, text: string];

const mostColumns = 100;
const indent = '  ';
/** Labels are at least so wide, so that sections stand in line. */
const labelWidth = 14;

/** A heading, and its rows with their texts one under the other; long texts go on in the next line. */
export function section(heading: string, rows: readonly Row[]): string[] {
  const width = Math.max(labelWidth, ...rows.map(([label]) => label.length));
  const lines = rows.flatMap(([label, text]) =>
    wrap(text, mostColumns - indent.length - width - 2).map(
      (line, i) => `${indent}${(i === 0 ? label : '').padEnd(width)}  ${line}`,
    ),
  );
  return ['', heading, ...lines];
}

/** A heading, and lines of cells in columns; numbers, which are those that `right` names, end in line. */
export function table(heading: string, lines: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const written = lines.map((line) =>
    line.map((cell, i) => (right.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  '),
  );
  return ['', heading, ...written.map((line) => `${indent}${line}`.trimEnd())];
}

/** Breaks a text at blanks; what has none, such as a key, stays whole. */
export function wrap(text: string, width = mostColumns): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
