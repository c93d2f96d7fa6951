import { type Client, createClient, type ExecutionResult, NetworkError } from 'graphql-sse';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ApiClient } from '../support/api.ts';
import { ClientRig, newUser, payment, recordPayment, type WatchedUsers, watchUsers } from './client-rig.ts';
import { resumes } from './resumes.ts';
import { newSseClient } from './transports.ts';
import { type Seen, type UsedClient, watchesLikeAnyOther } from './watches.ts';

function used(client: Client): UsedClient {
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
        return (data as unknown as { recordTransaction: { status: string } }).recordTransaction.status;
      }
      throw new Error('no answer');
    },
    close: () => client.dispose(),
  };
}

describe.each([
  ['distinct connections', false],
  ['a single connection', true],
])('with %s', (mode, singleConnection) => {
  watchesLikeAnyOther(`graphql-sse, ${mode}`, (api: ApiClient) => used(newSseClient(api, singleConnection)));

  async function use(): Promise<{ readonly rig: ClientRig; readonly client: Client }> {
    const rig = await ClientRig.open();
    const client = newSseClient(rig.api, singleConnection);
    onTestFinished(() => client.dispose());
    return { rig, client };
  }

  it('one bad id is shown at its path beside the others, and too many as the end of the subscription', async () => {
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
    const many = watch(Array(1_001).fill('u'));
    const { value: refused } = (await many.next()) as { value: ExecutionResult };
    expect(refused).toMatchObject({ errors: [{ extensions: { code: 'TOO_MANY_IDS' } }] });
    expect((await many.next()).done).toBe(true);
    await updates.return?.();
  });

  it('it goes on from what it has, if its user says so: no snapshot of what did not change', async () => {
    const { rig, client } = await use();
    await resumes(rig, (variables, next) => {
      client.subscribe<WatchedUsers>(
        { query: watchUsers, variables: variables as unknown as Record<string, unknown> },
        { next: ({ data }) => data && next(data), error: () => {}, complete: () => {} },
      );
    });
  });
});

describe('graphql-sse', () => {
  it('has many subscriptions on its single connection, and as many connections otherwise', async () => {
    const rig = await ClientRig.open();
    const users = Array.from({ length: 8 }, newUser);
    for (const singleConnection of [true, false]) {
      const client = newSseClient(rig.api, singleConnection);
      const before = rig.api.log.length;
      const updates = users.map((user) => client.iterate({ query: watchUsers, variables: { userIds: [user] } }));
      await Promise.all(updates.map((one) => one.next()));
      expect(rig.api.backend.current().hub.load.subscriptions).toBe(8);
      client.dispose();
      await rig.nothingWatched();
      // Streams last until their client leaves, and are logged then.
      const aborted = rig.api.log.slice(before).filter((line) => line.includes('"aborted":true'));
      expect(aborted).toHaveLength(singleConnection ? 1 : 8);
    }
  });

  it('tells a mistake in the query as a result, or, on a single connection, as the status of a request', async () => {
    const rig = await ClientRig.open();
    const distinct = newSseClient(rig.api).iterate({ query: '{ nothing }' });
    expect((await distinct.next()).value).toMatchObject({
      errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
    });
    const single = createClient({ url: rig.api.graphqlUrl, singleConnection: true, retryAttempts: 0 });
    const failure = await single
      .iterate({ query: '{ nothing }' })
      .next()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NetworkError);
    // More it does not let its user read: it has let go of the answer.
    expect((failure as NetworkError<Response>).response?.status).toBe(400);
    single.dispose();
  });
});
