import { describe, expect, it, onTestFinished } from 'vitest';
import type { ApiClient } from '../support/api.ts';
import { until } from '../support/until.ts';
import { ClientRig, newUser, type SeenUpdate } from './client-rig.ts';

/** What a subscription told its user. */
export class Seen {
  readonly updates: SeenUpdate[] = [];
  /** Whatever its user was told to have gone wrong, as the client words it. */
  readonly errors: unknown[] = [];
  ended = false;

  /** The newest of a user. */
  last(userId: string): SeenUpdate | undefined {
    return this.updates.findLast(({ user }) => user.id === userId);
  }
}

/** A client as it comes from its package, in the hands of its user. */
export interface UsedClient {
  /** @returns how to watch no more. */
  watch(userIds: readonly string[], seen: Seen): () => void;
  /** Records a payment of this user; the status. */
  record(userId: string): Promise<string>;
  close(): void;
}

export type Connect = (api: ApiClient) => UsedClient;

/** What users of every client count on, whatever it speaks. */
export function watchesLikeAnyOther(name: string, connect: Connect): void {
  async function use(): Promise<{ readonly rig: ClientRig; readonly client: UsedClient }> {
    const rig = await ClientRig.open();
    const client = connect(rig.api);
    onTestFinished(() => client.close());
    return { rig, client };
  }

  describe(name, () => {
    it('shows a snapshot, then what its own mutation changed', async () => {
      const { client } = await use();
      const [user, other] = [newUser(), newUser()];
      const seen = new Seen();
      client.watch([user, other], seen);
      await until(() => seen.updates.length === 2);
      expect(seen.updates).toMatchObject([
        { cause: 'SNAPSHOT', user: { id: user, riskProfile: { txnCount1h: 0 } } },
        { cause: 'SNAPSHOT', user: { id: other, riskProfile: { txnCount1h: 0 } } },
      ]);
      for (const count of [1, 2]) {
        expect(await client.record(user)).toBe('RECORDED');
        await until(() => seen.updates.length === 2 + count);
        expect(seen.updates.at(-1)).toMatchObject({
          cause: 'EVENT',
          user: { id: user, riskProfile: { txnCount1h: count } },
        });
      }
      expect(seen.errors).toEqual([]);
    });

    it('leaves nothing behind of what it watches no more, while it watches other things', async () => {
      const { rig, client } = await use();
      const warnings: Error[] = [];
      const warn = (warning: Error) => warnings.push(warning);
      process.on('warning', warn);
      onTestFinished(() => void process.off('warning', warn));
      const { hub } = rig.api.backend.current();
      const stays = newUser();
      const kept = new Seen();
      const stop = client.watch([stays], kept);
      // More than the ten listeners to one thing that Node takes for a leak.
      for (let round = 0; round < 15; round++) {
        const user = newUser();
        const seen = new Seen();
        const stopThis = client.watch([user, stays], seen);
        await until(() => seen.updates.length === 2);
        expect(hub.load).toEqual({ entities: 2, subscriptions: 2 });
        expect(await rig.listeningFor(user)).toBe(1);
        expect(await rig.listeningFor(stays)).toBe(1);
        stopThis();
        await until(() => hub.load.subscriptions === 1);
        await until(async () => (await rig.listeningFor(user)) === 0);
      }
      expect(hub.load).toEqual({ entities: 1, subscriptions: 1 });
      await client.record(stays);
      await until(() => kept.updates.length === 2);
      stop();
      await rig.nothingWatched();
      expect(warnings).toEqual([]);
    });

    it('leaves nothing behind when it is closed', async () => {
      const { rig, client } = await use();
      const users = [newUser(), newUser()];
      const seen = users.map((user) => {
        const one = new Seen();
        client.watch([user], one);
        return one;
      });
      await until(() => seen.every(({ updates }) => updates.length === 1));
      client.close();
      await rig.nothingWatched();
    });

    it.each(['in good order', 'at once'] as const)('comes back to a server that restarts %s', async (how) => {
      const { rig, client } = await use();
      const user = newUser();
      const seen = new Seen();
      client.watch([user], seen);
      await until(() => seen.updates.length === 1);
      await rig.restart(how, async (other) => {
        const { data } = await other.ask(
          `mutation { recordTransaction(input: { transactionId: "t", userId: "${user}", merchantId: "m", amount: 1 }) { status } }`,
        );
        expect(data).toEqual({ recordTransaction: { status: 'RECORDED' } });
      });
      await until(() => seen.last(user)?.user.riskProfile?.txnCount1h === 1);
      expect(seen.last(user)?.cause).toBe('SNAPSHOT');
      await client.record(user);
      await until(() => seen.last(user)?.user.riskProfile?.txnCount1h === 2);
      expect(seen.last(user)?.cause).toBe('EVENT');
      expect([seen.errors, seen.ended]).toEqual([[], false]);
    });
  });
}
