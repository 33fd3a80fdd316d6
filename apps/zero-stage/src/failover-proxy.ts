import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import type { v0 } from '@rocicorp/zero/change-protocol/v0';
import { WebSocket, WebSocketServer } from 'ws';

import { Signal } from './signal.js';

/** One connection of zero-cache, and all that went over it. */
export interface RecordedConnection {
    /** The port of the change source that served it. */
    readonly port: number;
    readonly parameters: URLSearchParams;
    readonly received: v0.ChangeStreamMessage[];
    /** The watermarks that zero-cache acknowledged, in order. */
    readonly acknowledged: string[];
}

/** Stands between zero-cache and the change sources, leads to one that is up, and writes down what goes over the wire. */
export class FailoverProxy {
    readonly connections: RecordedConnection[] = [];
    readonly changed: Signal;
    readonly #ports: () => readonly number[];
    readonly #http = createServer();
    readonly #webSockets = new WebSocketServer({ noServer: true });

    /**
     * @param ports of the change sources, the preferred one first
     * @param end when it aborts, nobody waits for changes any longer
     */
    static async start(ports: () => readonly number[], end?: AbortSignal): Promise<FailoverProxy> {
        const proxy = new FailoverProxy(ports, end);
        await once(proxy.#http.listen(0, '127.0.0.1'), 'listening');
        return proxy;
    }

    private constructor(ports: () => readonly number[], end: AbortSignal | undefined) {
        this.#ports = ports;
        this.changed = new Signal(end);
        this.#http.on('upgrade', (request, socket, head) => this.#lead(request, socket, head));
    }

    get port(): number {
        return (this.#http.address() as AddressInfo).port;
    }

    /** The newest connection. */
    get last(): RecordedConnection | undefined {
        return this.connections.at(-1);
    }

    async stop(): Promise<void> {
        for (const socket of this.#webSockets.clients) {
            socket.terminate();
        }
        const closed = once(this.#http, 'close');
        this.#http.close();
        await closed;
    }

    #lead(request: IncomingMessage, socket: Duplex, head: Buffer, [port, ...others] = this.#ports()): void {
        socket.on('error', () => {});
        if (port === undefined || socket.destroyed) {
            socket.destroy();
            return;
        }
        const url = request.url ?? '';
        const upstream = new WebSocket(`ws://127.0.0.1:${port}${url}`);
        const tryNext = () => this.#lead(request, socket, head, others);
        upstream.once('error', tryNext);
        // All in one go: messages follow the answer to the handshake at once.
        upstream.once('open', () => {
            upstream.off('error', tryNext);
            this.#webSockets.handleUpgrade(request, socket, head, client => this.#join(client, upstream, port, url));
            if (socket.destroyed) {
                upstream.terminate();
            }
        });
    }

    #join(client: WebSocket, upstream: WebSocket, port: number, url: string): void {
        const parameters = new URL(url, 'ws://proxy').searchParams;
        const connection: RecordedConnection = { port, parameters, received: [], acknowledged: [] };
        this.connections.push(connection);
        for (const [from, to] of [
            [client, upstream],
            [upstream, client]
        ] as const) {
            from.on('message', data => {
                const text = (data as Buffer).toString('utf8');
                record(connection, from === upstream, JSON.parse(text));
                to.send(text, () => {});
                this.changed.give();
            });
            from.on('error', () => {});
            from.on('close', () => to.close());
        }
        upstream.resume();
        this.changed.give();
    }
}

function record(connection: RecordedConnection, isFromSource: boolean, message: unknown): void {
    if (isFromSource) {
        connection.received.push(message as v0.ChangeStreamMessage);
        return;
    }
    const [, status, { watermark }] = message as v0.ChangeSourceUpstream;
    if ('tag' in status) {
        connection.acknowledged.push(watermark);
    }
}
