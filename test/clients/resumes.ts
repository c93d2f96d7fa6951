import { expect } from 'vitest';
import { until } from '../support/until.ts';
import { type ClientRig, newUser, payment, recordPayment, type WatchedUsers } from './client-rig.ts';

/** As the clients of graphql-ws and graphql-sse send them: again, when they connect again, as they are at that time. */
interface Variables {
  readonly userIds: readonly string[];
  since: readonly { readonly id: string; readonly revision: string }[];
}

/** Watches by what its user keeps of it, and finds that there is no snapshot of what did not change meanwhile. */
export async function resumes(
  rig: ClientRig,
  watch: (variables: Variables, next: (data: WatchedUsers) => void) => void,
): Promise<void> {
  const [same, changes] = [newUser(), newUser()];
  for (const user of [same, changes]) await rig.api.ask(recordPayment, payment(user));
  const variables: Variables = { userIds: [same, changes], since: [] };
  const seen: [string, string, number | undefined][] = [];
  watch(variables, ({ userRiskProfileUpdated }) => {
    for (const { cause, user } of userRiskProfileUpdated) {
      seen.push([cause, user.id, user.riskProfile?.txnCount1h]);
      const revision = user.riskProfile?.freshness.revision ?? '';
      variables.since = [...variables.since.filter(({ id }) => id !== user.id), { id: user.id, revision }];
    }
  });
  await until(() => seen.length === 2);
  await rig.restart('in good order', async (other) => {
    await other.ask(recordPayment, payment(changes));
  });
  await until(() => seen.length === 3);
  await rig.api.ask(recordPayment, payment(same));
  await until(() => seen.length === 4);
  expect(seen).toEqual([
    ['SNAPSHOT', same, 1],
    ['SNAPSHOT', changes, 1],
    ['SNAPSHOT', changes, 2],
    ['EVENT', same, 2],
  ]);
}
