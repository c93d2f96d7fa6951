import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { withProgress } from '../../src/cli/replay/progress.ts';

/** An output, and what has been written to it. */
function output(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { stream, text: () => text };
}

describe('the progress of a file', () => {
  it.each([
    ['a terminal', true],
    ['a pipe', false],
  ])('shows on %s each fault, whole, as it comes', async (_, isTTY) => {
    const { stream, text } = output(isTTY);
    const fault = `a.csv:3: ${'so long '.repeat(20)}`;
    const result = await withProgress('a.csv', stream, async ({ onFault, onProgress }) => {
      onFault(fault);
      expect(text()).toContain(`${fault}\n`);
      onProgress(10, 1, 20);
      return 'done';
    });
    expect(result).toBe('done');
  });

  it('is a bar below the faults on a terminal, and nothing in a pipe', async () => {
    const [terminal, pipe] = [output(true), output(false)];
    for (const { stream } of [terminal, pipe]) {
      await withProgress('a.csv', stream, async ({ onFault, onProgress }) => {
        onProgress(5, 1, 20);
        onFault('a.csv:3: wrong');
      });
    }
    expect(terminal.text()).toMatch(/a\.csv:3: wrong\n.*a\.csv .*25%/s);
    expect(terminal.text().endsWith('\u001b[0J')).toBe(true); // cleared from the bar down
    expect(pipe.text()).toBe('a.csv:3: wrong\n');
  });
});
