export type { BackendOptions } from './backend.ts';
export { BackendKeeper } from './backend.ts';
export type { Health } from './health.ts';
export { logSerializers } from './log-serializers.ts';
export type { ServerOptions } from './server.ts';
export { ApiServer, ListenError } from './server.ts';
export { shutDownOnSignal } from './shutdown.ts';
