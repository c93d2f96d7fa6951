import type { KeyNames } from './keys.ts';
import { layoutFormat } from './layout.ts';
import type { LogCaller } from './log-caller.ts';
import { LogFaultError, movingError, UnavailableError } from './outcome.ts';
import type { PrefixRegistry } from './registry.ts';
import type { OutdatedLog } from './rounds.ts';
import { featuresBeyond, writeUpgrade } from './upgrade.ts';
import { logFailure } from './valkey-failure.ts';

/** Brings logs of older layouts up to date, and those of newer definitions back that were withdrawn. */
export class LogUpgrades {
  readonly #keys: KeyNames;
  readonly #registry: PrefixRegistry;
  readonly #caller: LogCaller;

  constructor(keys: KeyNames, registry: PrefixRegistry, caller: LogCaller) {
    this.#keys = keys;
    this.#registry = registry;
    this.#caller = caller;
  }

  /**
   * Brings logs up to date, those of one layout together.
   * @returns in the order given: null, or why one cannot be.
   * @throws UnavailableError
   */
  async run(logs: readonly OutdatedLog[]): Promise<(Error | null)[]> {
    const refusals = new Map<OutdatedLog, Error>();
    for (const group of Map.groupBy(logs, ({ plan, layoutHash }) => `${plan.index}:${layoutHash}`).values()) {
      await this.#runGroup(group, (log, reason) => refusals.set(log, reason));
    }
    return logs.map((log) => refusals.get(log) ?? null);
  }

  /** Logs of one view and layout. */
  async #runGroup(group: readonly OutdatedLog[], refuse: (log: OutdatedLog, reason: Error) => void): Promise<void> {
    const [{ plan, layoutHash }] = group as readonly [OutdatedLog];
    const old = await this.#registry.layout(plan.view, layoutHash);
    const beyond = old ? featuresBeyond(plan, old) : [];
    if (old?.format !== layoutFormat || (await this.#registry.hasAny(plan.view, beyond))) {
      const reasonOf = (log: OutdatedLog) => {
        if (!old) return new LogFaultError(`${this.#keyOf(log)}: no log has the layout ${layoutHash}`);
        if (old.format === layoutFormat) {
          return new UnavailableError(`${plan.view.name} was written by a newer definition than is served here`);
        }
        return new LogFaultError(
          `${this.#keyOf(log)}: is in format ${old.format}, and this engine keeps logs in format ${layoutFormat}; use another key prefix, and replay what it should hold`,
        );
      };
      for (const log of group) refuse(log, reasonOf(log));
      return;
    }
    const argument = writeUpgrade(plan, layoutHash, old);
    if (this.#caller.isOneEntityACall && group.length > 1) {
      for (const log of group) await this.#runGroup([log], refuse);
      return;
    }
    for (let pending = group; pending.length > 0; ) {
      const keys = pending.map((log) => this.#keyOf(log));
      const outcomes = await this.#caller.call('upgrade', keys, [argument], (reader) =>
        pending.map(() => reader.outcome()),
      );
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome?.kind === 'fault') refuse(pending[i] as OutdatedLog, logFailure(keys[i] as string, outcome.reason));
        if (outcome?.kind === 'moving') refuse(pending[i] as OutdatedLog, movingError());
      }
      pending = pending.filter((_, i) => outcomes[i]?.kind === 'left');
    }
  }

  #keyOf({ plan, id }: OutdatedLog): string {
    return this.#keys.log(plan.view, id);
  }
}
