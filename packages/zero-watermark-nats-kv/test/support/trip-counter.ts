import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { ProtocolReader, type ProtocolMessage } from './protocol-reader.js';

/** What {@link TripCounter.count} saw. */
export interface Counted<T> {
    readonly result: T;
    /** How many answers were waited for one after another. */
    readonly trips: number;
    readonly elapsedMs: number;
}

/**
 * Stands between one client and its servers, on the client's side of a slow link, and counts round trips by what is said
 * and not by the time it takes: a request is one trip deeper than the deepest answer that the client had when it sent the
 * request, and its answer is as deep as it is. What is sent side by side so counts once.
 *
 * A connection counts as two: TCP's own, which ends in the server's greeting, and NATS's. Of a consumer that asks whether its
 * messages are being taken (flow control), what comes after that was answered counts as one deeper, although it may have been
 * on its way already: that is the most that can have been waited for.
 */
export class TripCounter implements AsyncDisposable {
    readonly #sockets = new Set<Socket>();
    readonly #listener = createServer(client => this.#accept(client));
    readonly #target: number;
    /** How deep the answers will be that come to these subjects. */
    readonly #asked = new Map<string, number>();
    #deepest = 0;

    private constructor(target: number) {
        this.#target = target;
    }

    static async before(target: { readonly port: number }): Promise<TripCounter> {
        const counter = new TripCounter(target.port);
        await once(counter.#listener.listen(0, '127.0.0.1'), 'listening');
        return counter;
    }

    get url(): string {
        return `nats://127.0.0.1:${(this.#listener.address() as AddressInfo).port}`;
    }

    /** Counts from nothing what an operation waits for. */
    async count<T>(operation: () => Promise<T>): Promise<Counted<T>> {
        this.#asked.clear();
        this.#deepest = 0;
        const began = performance.now();
        const result = await operation();
        return { result, trips: this.#deepest, elapsedMs: performance.now() - began };
    }

    async [Symbol.asyncDispose](): Promise<void> {
        this.#sockets.forEach(socket => socket.destroy());
        await new Promise(resolve => this.#listener.close(resolve));
    }

    #accept(client: Socket): void {
        const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
        client.setNoDelay(true);
        const requests = new ProtocolReader(message => this.#sent(message));
        const answers = new ProtocolReader(message => this.#heard(message));
        for (const [from, to, reader] of [
            [client, server, requests],
            [server, client, answers]
        ] as const) {
            this.#sockets.add(from);
            from.on('error', () => {});
            from.on('close', () => to.destroy());
            from.on('data', (chunk: Buffer) => {
                reader.read(chunk);
                to.write(chunk);
            });
        }
    }

    #sent({ verb, subject, reply, payload }: ProtocolMessage): void {
        const depth = this.#deepest + 1;
        const toldConsumer = consumerIn('FC', subject);
        if (toldConsumer !== undefined) {
            this.#asked.set(toldConsumer, depth);
        }
        if (verb === 'CONNECT') {
            this.#asked.set('PONG', depth);
        } else if (reply !== undefined) {
            this.#asked.set(reply, depth);
            // What a consumer pushes is an answer to the request that made it.
            const pushedTo = /"deliver_subject":"([^"]+)"/.exec(payload)?.[1];
            if (pushedTo !== undefined) {
                this.#asked.set(pushedTo, depth);
            }
        }
    }

    #heard({ verb, subject, reply }: ProtocolMessage): void {
        if (verb === 'INFO') {
            this.#deepest = Math.max(this.#deepest, 1);
        }
        const asked = this.#asked.get(subject ?? verb) ?? this.#asked.get(consumerIn('ACK', reply) ?? '');
        this.#deepest = Math.max(this.#deepest, asked ?? 0);
        if (verb === 'PONG') {
            // Later ones show only that the connection is alive.
            this.#asked.delete('PONG');
        }
    }
}

/** The stream and the consumer that a subject of this kind names: `$JS.<kind>.<stream>.<consumer>.…`. */
function consumerIn(kind: 'ACK' | 'FC', subject = ''): string | undefined {
    const [api, its, stream, consumer] = subject.split('.');
    return api === '$JS' && its === kind ? `${stream}.${consumer}` : undefined;
}
