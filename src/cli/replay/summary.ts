/** What became of a file. */
export interface ReplaySummary {
  rows: number;
  recorded: number;
  duplicates: number;
  tooLate: number;
  /** Rows that hold no event, or one that was refused. */
  faulty: number;
  /** Rows that were recorded, but have a published cell that holds no number. */
  incomparable: number;
  /** Values, not rows. */
  compared: number;
  mismatches: number;
  /** Why the file could not be read to its end; null if it was. */
  unreadable: string | null;
}

export const nothingYet: ReplaySummary = {
  rows: 0,
  recorded: 0,
  duplicates: 0,
  tooLate: 0,
  faulty: 0,
  incomparable: 0,
  compared: 0,
  mismatches: 0,
  unreadable: null,
};

/** 3: not read to its end; 1: a value differs; 2: a row could not be used or, under `--verify`, compared; else 0. */
export function exitStatus(summary: ReplaySummary, verify: boolean): number {
  if (summary.unreadable !== null) return 3;
  if (summary.mismatches > 0) return 1;
  if (summary.faulty > 0) return 2;
  return verify && (notCompared(summary) > 0 || summary.compared === 0) ? 2 : 0;
}

/** The graver of two exit statuses. */
export function graver(one: number, other: number): number {
  const order = [0, 2, 1, 3];
  return order.indexOf(one) > order.indexOf(other) ? one : other;
}

/** The summary in one line. */
export function describe(summary: ReplaySummary, verify: boolean): string {
  const { rows, recorded, duplicates, tooLate, faulty, incomparable, compared, mismatches } = summary;
  const counts = `${rows} rows: ${recorded} recorded, ${duplicates} duplicates, ${tooLate} too late, ${faulty} unusable`;
  if (!verify) return counts;
  const left = notCompared(summary);
  const reasons = [
    [duplicates, 'duplicates'],
    [tooLate, 'too late'],
    [faulty, 'unusable'],
    [incomparable, 'without a published number'],
  ] as const;
  const named = reasons.filter(([count]) => count > 0).map(([count, reason]) => `${count} ${reason}`);
  const verdict = `${counts}; ${mismatches} mismatches of ${compared} values`;
  return left > 0 ? `${verdict}; ${left} rows were not compared: ${named.join(', ')}` : verdict;
}

function notCompared({ duplicates, tooLate, faulty, incomparable }: ReplaySummary): number {
  return duplicates + tooLate + faulty + incomparable;
}
