import type { Client, ExecutionResult } from 'graphql-ws';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ApiClient } from '../support/api.ts';
import { ClientRig, newUser, payment, recordPayment, type WatchedUsers, watchUsers } from './client-rig.ts';
import { resumes } from './resumes.ts';
import { newWsClient } from './transports.ts';
import { type Seen, type UsedClient, watchesLikeAnyOther } from './watches.ts';

function connect(api: ApiClient): UsedClient {
  const client = newWsClient(api);
  return {
    watch: (userIds, seen: Seen) =>
      client.subscribe<WatchedUsers>(
        { query: watchUsers, variables: { userIds } },
        {
          next: ({ data, errors }) => {
            seen.updates.push(...(data?.userRiskProfileUpdated ?? []));
            seen.errors.push(...(errors ?? []));
          },
          error: (error) => seen.errors.push(error),
          complete: () => {
            seen.ended = true;
          },
        },
      ),
    async record(userId) {
      for await (const { data } of client.iterate({ query: recordPayment, variables: payment(userId) })) {
        return (data as { recordTransaction: { status: string } }).recordTransaction.status;
      }
      throw new Error('no answer');
    },
    close: () => void client.dispose(),
  };
}

watchesLikeAnyOther('graphql-ws', connect);

async function use(): Promise<{ readonly rig: ClientRig; readonly client: Client }> {
  const rig = await ClientRig.open();
  const client = newWsClient(rig.api);
  onTestFinished(() => client.dispose());
  return { rig, client };
}

describe('graphql-ws', () => {
  it('shows one bad id at its path beside the others, and too many as the end of the subscription', async () => {
    const { client } = await use();
    const watch = (userIds: readonly string[]) =>
      client.iterate<WatchedUsers>({ query: watchUsers, variables: { userIds } });
    const updates = watch([newUser(), 'bad\n']);
    const { value } = (await updates.next()) as { value: ExecutionResult<WatchedUsers> };
    expect(value.data?.userRiskProfileUpdated).toMatchObject([
      { user: { riskProfile: {} } },
      { user: { riskProfile: null } },
    ]);
    expect(value.errors).toMatchObject([
      { path: ['userRiskProfileUpdated', 1, 'user', 'riskProfile'], extensions: { code: 'ID_INVALID' } },
    ]);
    await updates.return?.();
    const many = watch(Array(1_001).fill('u'));
    const { value: refused } = (await many.next()) as { value: ExecutionResult };
    expect(refused).toMatchObject({ errors: [{ extensions: { code: 'TOO_MANY_IDS' } }] });
    expect((await many.next()).done).toBe(true);
  });

  it('goes on from what it has, if its user says so: no snapshot of what did not change', async () => {
    const { rig, client } = await use();
    await resumes(rig, (variables, next) => {
      client.subscribe<WatchedUsers>(
        { query: watchUsers, variables: variables as unknown as Record<string, unknown> },
        { next: ({ data }) => data && next(data), error: () => {}, complete: () => {} },
      );
    });
  });
});
