import type { Redis } from 'iovalkey';
import type { Transaction } from '../../src/simulate/index.ts';
import { FunctionCaller, SingleServer } from '../../src/valkey/index.ts';
import type { Subject } from '../subject.ts';
import type { Contender } from './contender.ts';

/** A single of the engine's: time, id, flags, an amount, a distinct value, and its marks. */
const singleBytes = 44;
/** What the served hash tells of the vector, all of which changes at every event. */
const toldFields = 6;

/**
 * The least that a function of Valkey's must do for an event, whatever it computes: it reads a state of one double a feature and
 * one for its value, writes it back, appends the event, writes those fields of the served hash that change at every event, and
 * answers with the vector. It computes nothing: what it costs is the floor under the engine.
 */
export class BareFunction implements Contender {
  readonly name = 'bare function';
  readonly sends = ['fcall'];
  readonly #functions: FunctionCaller;
  readonly #prefix: string;
  readonly #subject: Subject;
  readonly #name: string;

  constructor(valkey: Redis, prefix: string, subject: Subject) {
    this.#prefix = prefix;
    this.#subject = subject;
    this.#name = `bare_${subject.name}`;
    this.#functions = new FunctionCaller(new SingleServer(valkey), code(this.#name, subject));
  }

  async load(transactions: readonly Transaction[]): Promise<void> {
    if (transactions.length === 0) return;
    await this.#functions.load();
    const ids = new Set(transactions.map((transaction) => this.#id(transaction)));
    await this.#call([...ids]);
  }

  async record(transactions: readonly Transaction[]): Promise<void> {
    await this.#call(transactions.map((transaction) => this.#id(transaction)));
  }

  #id(transaction: Transaction): string {
    return transaction[this.#subject.view.by as 'userId' | 'merchantId'];
  }

  async #call(ids: readonly string[]): Promise<void> {
    const keys = ids.map((id) => `${this.#prefix}:log:v1:${this.#subject.view.name}:{${id}}`);
    const args = ids.map(() => Buffer.alloc(singleBytes, 7));
    await this.#functions.call({ name: this.#name, keys, args });
  }
}

function code(name: string, { view }: Subject): string {
  const vector = 7 + view.features.length;
  const doubles = vector + view.features.length;
  const format = `<${'d'.repeat(doubles)}`;
  // A dense stream's short windows hold the same from one event to the next: half of the features change.
  const changing = view.features.slice(0, Math.ceil(view.features.length / 2)).map(({ hashField }) => hashField);
  const told = Array.from({ length: toldFields }, (_, i) => `_told_${i}`);
  const pairs = [...changing, ...told].map((field) => `'${field}', now`);
  return `#!lua name=${name}
redis.register_function('${name}', function(keys, args)
  local time = redis.call('TIME')
  local now = time[1] * 1000000 + time[2]
  local replies = {}
  for i, key in ipairs(keys) do
    local raw = redis.call('GETRANGE', key, 0, ${8 * doubles - 1})
    if #raw < ${8 * doubles} then raw = string.rep('\\0', ${8 * doubles}) end
    local state = struct.pack('${format}', struct.unpack('${format}', raw))
    redis.call('SETRANGE', key, 0, state)
    redis.call('SETRANGE', key, ${8 * doubles}, args[i])
    redis.call('HSET', key .. ':hash', ${pairs.join(', ')})
    replies[i] = string.sub(state, 1, ${8 * vector})
  end
  return table.concat(replies)
end)`;
}
