import { MultiBar } from 'cli-progress';

/** What is told of a file while it is replayed. */
export interface Listener {
  /** How far the file has been read, in bytes and rows. */
  readonly onProgress: (bytesRead: number, rows: number, totalBytes: number) => void;
  /** What was wrong with a row, or with the file. */
  readonly onFault: (text: string) => void;
}

/** Where both are shown, such as `process.stderr`. */
type Output = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Says each fault as it comes; on a terminal above a bar that shows how far the file is, and goes at its end. */
export async function withProgress<T>(
  file: string,
  output: Output,
  work: (listener: Listener) => Promise<T>,
): Promise<T> {
  if (!output.isTTY) return work({ onProgress: () => {}, onFault: (text) => void output.write(`${text}\n`) });
  const begun = performance.now();
  const bars = new MultiBar({
    stream: output,
    format: `${file} {bar} {percentage}% | {rows} rows | {rate} rows/s | {eta_formatted} left`,
    hideCursor: true,
    linewrap: true, // else a long fault would be cut
    forceRedraw: true, // after a fault, which takes the bar's line
    clearOnComplete: true,
    gracefulExit: false, // it would swallow the signals that end the replay
  });
  const bar = bars.create(1, 0, { rows: 0, rate: 0 });
  try {
    return await work({
      onProgress(bytesRead, rows, totalBytes) {
        bar.setTotal(totalBytes);
        bar.update(bytesRead, { rows, rate: Math.round((rows * 1000) / (performance.now() - begun)) });
      },
      onFault(text) {
        bars.log(`${text}\n`);
        bars.update();
      },
    });
  } finally {
    bars.stop();
  }
}
