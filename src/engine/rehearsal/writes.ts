import type { EntityCopy, Write } from './entity-copy.ts';
import type { Command } from './lane.ts';

/** So much is rather written once more than that one more command is sent. */
const mostBetween = 1_000;

/** Commands that write what a rehearsal came to; those of the log that are near each other are one. */
export function commandsOf(copy: EntityCopy): Command[] {
  const { log, writes } = copy;
  const commands: Command[] = [];
  const patches: Write[] = [];
  const hash = new HashWrites();
  let isReplaced = false;
  for (const write of writes) {
    const [name, key, ...args] = write;
    if (key === log && name === 'SETRANGE' && !isReplaced) patches.push(write);
    else if (name === 'HSET' || name === 'HDEL') hash.take(write);
    else commands.push([name, key, ...args]);
    isReplaced ||= key === log && name === 'SET';
  }
  commands.push(...hash.commands());
  // What was patched before it was replaced need not be written.
  if (patches.length === 0 || isReplaced) return commands;
  return [...stretchesOf(copy, patches).map(({ from, text }): Command => ['SETRANGE', log, from, text]), ...commands];
}

/** What several events write into a served hash, as one would. */
class HashWrites {
  #key: string | null = null;
  /** Null: taken out. */
  readonly #fields = new Map<string, string | number | null>();

  take([name, key, ...args]: Write): void {
    this.#key = key;
    if (name === 'HDEL') for (const field of args) this.#fields.set(field as string, null);
    else for (let i = 0; i < args.length; i += 2) this.#fields.set(args[i] as string, args[i + 1] as string | number);
  }

  commands(): Command[] {
    if (this.#key === null) return [];
    const key = this.#key;
    const set: (string | number)[] = [];
    const gone: string[] = [];
    for (const [field, value] of this.#fields) {
      if (value === null) gone.push(field);
      else set.push(field, value);
    }
    return [
      ...(set.length > 0 ? [['HSET', key, ...set] as const] : []),
      ...(gone.length > 0 ? [['HDEL', key, ...gone] as const] : []),
    ];
  }
}

function stretchesOf(copy: EntityCopy, patches: readonly Write[]): { readonly from: number; readonly text: string }[] {
  const stretches: { from: number; to: number; text: string }[] = [];
  const inOrder = [...patches].sort((a, b) => (a[2] as number) - (b[2] as number));
  for (const [, , at, bytes] of inOrder as [string, string, number, string][]) {
    const last = stretches.at(-1);
    const to = Math.max(at + bytes.length, last?.to ?? 0);
    const whole = last && at - last.to <= mostBetween ? copy.stretch(last.from, to - last.from) : null;
    if (last && whole !== null) [last.to, last.text] = [to, whole];
    else stretches.push({ from: at, to: at + bytes.length, text: copy.stretch(at, bytes.length) ?? bytes });
  }
  return stretches;
}
