import type { IncomingMessage } from 'node:http';
import { AuthenticationError, type Caller } from '../../access/index.ts';
import { inTime } from '../../valkey/index.ts';
import { arrive } from '../arrival.ts';
import type { Entrance } from '../entrance.ts';
import { graphqlPath } from '../graphql/pipeline.ts';
import type { Guard } from '../guard/guard.ts';
import type { Health } from '../health.ts';
import type { ApiResponse } from '../http/api-response.ts';
import { send, sendJson, sendProtocolError } from '../http/http-response.ts';
import { sendTooManyRequests } from '../http/refusals.ts';
import type { Scrape } from '../metrics/metrics.ts';
import { isDashboardPath, serveDashboard } from './dashboard.ts';

export interface PagesOptions {
  readonly entrance: Entrance;
  readonly guard: Guard;
  readonly health: () => Promise<Health>;
  readonly scrape: () => Promise<Scrape>;
  readonly sdl: string;
}

/** For how long whoever need not be known is waited for. */
const patienceMs = 500; // half a second

type Page = (request: IncomingMessage, response: ApiResponse) => Promise<void> | void;

/** All paths but GraphQL's: what operators and their tools ask, the schema, and the dashboard. */
export class Pages {
  readonly #options: PagesOptions;

  constructor(options: PagesOptions) {
    this.#options = options;
  }

  async answer(path: string, request: IncomingMessage, response: ApiResponse): Promise<void> {
    const page = this.#pages[path];
    if (!page && !isDashboardPath(path))
      return sendProtocolError(response, 404, `There is nothing at this path; GraphQL is at ${graphqlPath}`);
    if (request.method === 'GET' || request.method === 'HEAD') {
      return page ? page(request, response) : serveDashboard(path, request, response);
    }
    response.setHeader('allow', 'GET, HEAD');
    return sendProtocolError(response, 405, `${path} is only to be read`);
  }

  readonly #pages: { readonly [path: string]: Page } = {
    '/livez': (_, response) => sendJson(response, 200, { alive: true }),
    '/readyz': async (request, response) => {
      const [told, caller] = await Promise.all([this.#options.health(), this.#known(request)]);
      const { ready } = told;
      // Of servers, processes and memory nobody else is told.
      sendJson(response, ready ? 200 : 503, caller?.grants.allowsAll('admin') ? told : { ready });
    },
    '/metrics': async (request, response) => {
      if (!(await this.#admits(request, response, ({ grants }) => grants.allowsAll('admin')))) return;
      const { contentType, text } = await this.#options.scrape();
      send(response, 200, contentType, text);
    },
    '/schema.graphql': async (request, response) => {
      if (!(await this.#admits(request, response, ({ grants }) => !grants.isEmpty))) return;
      send(response, 200, 'application/graphql; charset=utf-8', this.#options.sdl);
    },
  };

  /** Who asks, as far as that is known soon. A probe is always answered, but of whom too much comes no token is looked at. */
  async #known(request: IncomingMessage): Promise<Caller | null> {
    const { entrance, guard } = this.#options;
    const { authorization } = request.headers;
    const caller = entrance.recognise(authorization);
    if (caller !== null || authorization === undefined) return caller;
    const whoever = async () => {
      const { waitMs, found } = await arrive({ entrance, guard, authorization, request });
      if (waitMs > 0 || found instanceof AuthenticationError) return null;
      return found ?? entrance.identify(authorization);
    };
    return inTime(patienceMs, whoever()).catch(() => null);
  }

  /** Whether a page is for whoever asks; else they were told that it is not. */
  async #admits(
    request: IncomingMessage,
    response: ApiResponse,
    mayHave: (caller: Caller) => boolean,
  ): Promise<boolean> {
    const { entrance, guard } = this.#options;
    const { authorization } = request.headers;
    const { waitMs, found } = await arrive({ entrance, guard, authorization, request });
    if (waitMs > 0) {
      sendTooManyRequests(response, waitMs);
      return false;
    }
    const caller = await entrance.admit(found, request, response);
    if (caller === null) return false;
    if (mayHave(caller)) return true;
    sendProtocolError(response, 403, 'This page is not for this caller: none of its scopes allows it');
    return false;
  }
}
