import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request: it is answered by the API; refused with 503; done, but its answer is lost; or no GraphQL is there. */
export type Treatment = 'pass' | 'refuse' | 'lose' | 'not found';

/** Stands between a client and a real API, and treats the requests that come as it is told to. */
export class FailingProxy implements AsyncDisposable {
  /** For the next requests, one each; later ones pass. */
  treatments: Treatment[] = [];
  /** How many requests have come. */
  requests = 0;
  readonly #target: string;
  readonly #server = createServer((request, response) => void this.#treat(request, response));
  #held: PromiseWithResolvers<void> | null = null;

  private constructor(target: string) {
    this.#target = target;
  }

  /** @param graphqlUrl of the real API. */
  static async before(graphqlUrl: string): Promise<FailingProxy> {
    const proxy = new FailingProxy(graphqlUrl);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/graphql`;
  }

  /** Lets no request through, until they are let go. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  letGo(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.letGo();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #treat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++;
    const treatment = this.treatments.shift() ?? 'pass';
    const body = Buffer.concat(await request.toArray());
    await this.#held?.promise;
    if (treatment === 'refuse') return void response.writeHead(503).end('{"errors":[{"message":"not now"}]}');
    if (treatment === 'not found') return void response.writeHead(404).end('<h1>Not found</h1>');
    const { 'content-type': type = '', accept = '' } = request.headers;
    const answer = await fetch(this.#target, { method: 'POST', headers: { 'content-type': type, accept }, body });
    const text = await answer.text();
    if (treatment === 'lose') response.destroy();
    else response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(text);
  }
}
