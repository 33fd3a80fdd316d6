import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { reset, TcpLane } from './tcp-lane.js';

/** How {@link startTcpProxy} starts a proxy. */
export interface TcpProxyOptions {
    /** Where connections go to; a test server fits. */
    readonly target: {
        /** @default '127.0.0.1' */
        readonly host?: string;
        readonly port: number;
    };
    /** The proxy's own port on 127.0.0.1. @default a free one */
    readonly port?: number;
}

/**
 * Sits between clients and a server and misbehaves on command. `cut`, `blackhole` and `dropAnswers` take each other's
 * place; `delay` goes with any of them. All apply to the connections that are there and to new ones, until `heal`.
 */
export interface TcpProxy extends AsyncDisposable {
    readonly port: number;
    /** `nats://127.0.0.1:<port>` */
    readonly url: string;
    /** How many connections clients hold through the proxy now. */
    readonly connections: number;

    /** Breaks every connection (RST) and each new one as soon as it is made: a partition that both sides notice. */
    cut(): void;

    /**
     * Keeps connections open and delivers nothing in either direction: a partition that nobody notices. New connections
     * are accepted and stay silent; a side that hangs up is not missed by the other one.
     */
    blackhole(): void;

    /**
     * Delivers what clients say and swallows what the server says, from now on: a write is stored and its acknowledgement
     * lost. New connections never hear the server's greeting.
     */
    dropAnswers(): void;

    /** Delivers everything that arrives from now on `latencyMs` later, and up to `jitterMs` more, in order; in each direction. */
    delay(latencyMs: number, jitterMs?: number): void;

    /**
     * Behaves again, without delay. Connections that lost something (all that were there during `blackhole` or
     * `dropAnswers`) are broken, because the rest of a torn stream makes no sense: clients have to connect again.
     */
    heal(): void;

    /** Breaks every connection and gives the port back. May be called more than once. */
    stop(): Promise<void>;
}

/**
 * Starts a TCP proxy on 127.0.0.1 that fails on command. It does not keep the process alive.
 *
 * A client must be kept from going around it: a single {@link startNatsServer} tells clients no other address, but the
 * nodes of a cluster do, so connect to those with the client's option to ignore cluster updates.
 */
export async function startTcpProxy(options: TcpProxyOptions): Promise<TcpProxy> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true });
    await once(listener.listen(options.port ?? 0, '127.0.0.1'), 'listening');
    listener.unref();
    return new FaultyProxy(listener, { host: options.target.host ?? '127.0.0.1', port: options.target.port });
}

type Mode = 'pass' | 'cut' | 'blackhole' | 'drop-answers';

interface Connection {
    readonly client: Socket;
    readonly server: Socket;
    readonly requests: TcpLane;
    readonly answers: TcpLane;
}

class FaultyProxy implements TcpProxy {
    readonly port: number;
    readonly #listener: Server;
    readonly #target: { readonly host: string; readonly port: number };
    readonly #open = new Set<Connection>();
    #mode: Mode = 'pass';
    #latencyMs = 0;
    #jitterMs = 0;
    #stopping: Promise<void> | undefined;

    constructor(listener: Server, target: { readonly host: string; readonly port: number }) {
        this.port = (listener.address() as AddressInfo).port;
        this.#listener = listener;
        this.#target = target;
        listener.on('connection', client => this.#accept(client));
    }

    get url(): string {
        return `nats://127.0.0.1:${this.port}`;
    }

    get connections(): number {
        return [...this.#open].filter(({ client }) => !client.destroyed && !client.readableEnded).length;
    }

    cut(): void {
        this.#mode = 'cut';
        this.#break(() => true);
    }

    blackhole(): void {
        this.#enter('blackhole');
    }

    dropAnswers(): void {
        this.#enter('drop-answers');
    }

    delay(latencyMs: number, jitterMs = 0): void {
        for (const [name, value] of Object.entries({ latencyMs, jitterMs })) {
            if (!Number.isFinite(value) || value < 0) {
                throw new TypeError(`${name} must be a number of milliseconds from 0 on, got ${String(value)}`);
            }
        }
        this.#latencyMs = latencyMs;
        this.#jitterMs = jitterMs;
    }

    heal(): void {
        this.#mode = 'pass';
        this.delay(0);
        this.#break(({ requests, answers }) => requests.swallows || answers.swallows);
    }

    stop(): Promise<void> {
        this.#stopping ??= new Promise(resolve => {
            this.#listener.close(() => resolve());
            this.cut();
        });
        return this.#stopping;
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.stop();
    }

    #accept(client: Socket): void {
        client.unref().on('error', () => {});
        if (this.#mode === 'cut') {
            reset(client);
            return;
        }
        const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true });
        server.unref().on('error', () => {});
        const delayMs = (): number => this.#latencyMs + Math.random() * this.#jitterMs;
        const connection: Connection = {
            client,
            server,
            requests: new TcpLane(client, server, delayMs),
            answers: new TcpLane(server, client, delayMs)
        };
        this.#open.add(connection);
        for (const socket of [client, server]) {
            socket.on('close', () => {
                if (client.destroyed && server.destroyed) {
                    this.#open.delete(connection);
                }
            });
        }
        this.#applyMode(connection);
    }

    #enter(mode: Mode): void {
        this.#mode = mode;
        this.#open.forEach(connection => this.#applyMode(connection));
    }

    #applyMode({ requests, answers }: Connection): void {
        if (this.#mode === 'blackhole') {
            requests.swallow();
        }
        if (this.#mode === 'blackhole' || this.#mode === 'drop-answers') {
            answers.swallow();
        }
    }

    #break(which: (connection: Connection) => boolean): void {
        for (const { client, server } of [...this.#open].filter(which)) {
            reset(client);
            reset(server);
        }
    }
}
