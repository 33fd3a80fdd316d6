/**
 * Real, throw-away nats-servers for your own tests, and a TCP proxy that misbehaves on command.
 *
 * Everything listens on 127.0.0.1 only, on free ports, with a store of its own under the system's temporary folder, and
 * is ended and removed even when the process that started it is killed with SIGKILL. Needs Node and a nats-server binary
 * (2.10 or newer), nothing else.
 *
 * ```ts
 * await using server = await startNatsServer();
 * const connection = await connect({ servers: server.url });
 * ```
 *
 * @module
 */
export { findNatsServer } from './testing/find-nats-server.js';
export type { FoundNatsServer } from './testing/find-nats-server.js';
export { startNatsServer } from './testing/nats-server.js';
export { startNatsCluster } from './testing/nats-cluster.js';
export { startTcpProxy } from './testing/tcp-proxy.js';
export { NatsServerError } from './testing/errors.js';
export type { NatsServerErrorCode } from './testing/errors.js';
export type { TcpProxy, TcpProxyOptions } from './testing/tcp-proxy.js';
export type {
    JetStreamTestOptions,
    NatsCluster,
    NatsClusterOptions,
    NatsServer,
    NatsServerOptions,
    NatsServerSignal
} from './testing/types.js';
