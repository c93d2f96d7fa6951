import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Display } from '../../src/cli/demo/display.ts';
import { onKeys } from '../../src/cli/demo/keys.ts';
import { until } from '../support/until.ts';

/** One end of a terminal. */
function terminal(columns = 80) {
  const raw: boolean[] = [];
  const stream = new PassThrough({ encoding: 'utf8' });
  return { raw, stream: Object.assign(stream, { isTTY: true, columns, setRawMode: (on: boolean) => raw.push(on) }) };
}

describe('keys', () => {
  it('do what belongs to them, others nothing, and the terminal is left as it was', async () => {
    const { raw, stream } = terminal();
    const typed: string[] = [];
    const leave = onKeys(stream, { '+': () => typed.push('faster'), q: () => typed.push('end') });
    stream.write('+x+');
    stream.write('q');
    await until(() => typed.length === 3);
    leave();
    expect(typed).toEqual(['faster', 'faster', 'end']);
    expect(raw).toEqual([true, false]);
    expect(stream.listenerCount('data')).toBe(0);
  });

  it('have Ctrl-C interrupt as ever', async () => {
    const { stream } = terminal();
    const leave = onKeys(stream, {});
    const interrupted = once(process, 'SIGINT');
    stream.write('\x03');
    await interrupted;
    leave();
  });

  it('are left alone where nobody types', () => {
    const input = new PassThrough();
    onKeys(input, { q: () => {} })();
    expect(input.listenerCount('data')).toBe(0);
  });
});

describe('a display', () => {
  it('on a terminal writes over the status, keeps it below what is said, and cuts it to the width', () => {
    const { stream } = terminal(8);
    const display = new Display(stream);
    display.say('hello');
    display.show('status one');
    display.say('a long line stays whole');
    display.show('two');
    display.end();
    display.show('three');
    display.clear();
    display.clear();
    display.end();
    const [clear, first] = ['\r\x1b[K', 'status '];
    expect(stream.read()).toBe(
      `${clear}hello\n${clear}${first}${clear}a long line stays whole\n${first}${clear}two\n${clear}three${clear}`,
    );
  });

  it('takes one that says it has no width for one of 80', () => {
    const { stream } = terminal(0);
    new Display(stream).show('x'.repeat(100));
    expect(stream.read()).toBe(`\r\x1b[K${'x'.repeat(79)}`);
  });

  it('elsewhere writes whole lines', () => {
    const stream = new PassThrough({ encoding: 'utf8' });
    const display = new Display(stream);
    display.show('status one');
    display.say('hello');
    display.end();
    expect(stream.read()).toBe('status one\nhello\n');
  });
});
