import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { NatsKvConfig } from '../../../src/store.js';
import { startTcpProxy, type TcpProxy } from '../../../src/testing.js';
import { Random } from './random.mjs';
import { type Line, now, type Recording } from './recording.js';
import type { Lane } from './schedule.js';

/** How a client works. */
export interface Workload {
    /** How many calls of the watermarks it makes side by side; of the resume tokens half as many. */
    readonly callers: number;
    /** How long a caller rests between two calls, on average. */
    readonly pauseMs: number;
    /** How many keys of each kind are in use at a time, and for how long. */
    readonly slots: number;
    readonly generationMs: number;
    /** The shards, of which the first two are there from the beginning, and how often another one comes into use. */
    readonly shards: readonly string[];
    readonly shardEveryMs: number;
    /** The one shard whose watermarks are acknowledged. */
    readonly acknowledgedShard: string;
    /** Shards of a store of their own, which are abandoned and cleared again and again. */
    readonly endingShards: readonly string[];
    /** How often one of these is moved to a new shard by each application; all use that a while later. */
    readonly moveEveryMs: number;
    readonly watchEveryMs: number;
    readonly sampleEveryMs: number;
    /** How many resume tokens it stores a second beside all this, in large groups. */
    readonly tokensASecond: number;
}

/** What a client process is told. */
export interface ClientOrder extends Workload {
    /** Another one for each process, also for those that follow each other. */
    readonly name: string;
    /** Which application it is, from 0; the same for those that follow each other. */
    readonly index: number;
    /** How many applications there are. */
    readonly clients: number;
    readonly seed: number;
    readonly startedAtMs: number;
    readonly store: Omit<NatsKvConfig, 'servers' | 'logger'> & { readonly servers?: string[] };
    /** The bucket of the store whose shards are abandoned. */
    readonly endingBucket: string;
}

const STOPPING_MS = 60_000;

/** One application: a process that may be killed and started again, with a network of its own to each node. */
export class Client {
    readonly #index: number;
    readonly #proxies: readonly TcpProxy[];
    readonly #recording: Recording;
    readonly #order: Omit<ClientOrder, 'name' | 'index' | 'seed'>;
    readonly #random: Random;
    #starts = 0;
    #process: ChildProcess | undefined;
    #whenStopped: Promise<void> = Promise.resolve();
    #ended: Promise<unknown> = Promise.resolve();
    #isToEnd = false;

    private constructor(
        index: number,
        proxies: readonly TcpProxy[],
        recording: Recording,
        order: Omit<ClientOrder, 'name' | 'index' | 'seed'>,
        seed: number
    ) {
        this.#index = index;
        this.#proxies = proxies;
        this.#recording = recording;
        this.#order = order;
        this.#random = new Random(seed);
    }

    static async create(
        index: number,
        nodes: readonly { readonly port: number }[],
        recording: Recording,
        order: Omit<ClientOrder, 'name' | 'index' | 'seed'>,
        seed: number
    ): Promise<Client> {
        const proxies = await Promise.all(nodes.map(({ port }) => startTcpProxy({ target: { port } })));
        const store = {
            ...order.store,
            servers: proxies.map(({ url }) => url),
            // The nodes tell clients each other's addresses, which would lead them around the proxies.
            connection: { ignoreClusterUpdates: true }
        };
        return new Client(index, proxies, recording, { ...order, store }, seed);
    }

    get pid(): number | undefined {
        return this.#process?.pid;
    }

    start(): void {
        this.#isToEnd = false;
        const name = `c${this.#index}.${(this.#starts += 1)}`;
        const seed = this.#random.whole(0, 0x7fffffff);
        const store = { ...this.#order.store, name };
        const order: ClientOrder = { ...this.#order, store, name, seed, index: this.#index };
        const script = fileURLToPath(new URL('client/main.mjs', import.meta.url));
        const child = spawn(process.execPath, ['--expose-gc', script, JSON.stringify(order)], {
            stdio: ['pipe', 'pipe', 'pipe']
        });
        this.#process = child;
        child.stdin.on('error', () => {});
        let complaints = '';
        child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
        this.#whenStopped = new Promise(resolve => {
            createInterface({ input: child.stdout }).on('line', text => {
                // The last line of a process that was killed may be cut off.
                const line = parse(text);
                if (line !== undefined) {
                    this.#recording.add(name, line);
                    if (line.line === 'stopped') {
                        resolve();
                    }
                }
            });
            child.once('close', () => resolve());
        });
        this.#ended = once(child, 'close').then(([code, signal]) => {
            this.#recording.ended(name);
            if (!this.#isToEnd || complaints !== '') {
                this.#recording.problems.push(`${name} ended with ${code ?? signal}: ${complaints}`);
            }
        });
    }

    /** Ends the process as a crash does. */
    async kill(): Promise<void> {
        this.#isToEnd = true;
        this.#process?.kill('SIGKILL');
        await this.#ended;
    }

    /** Has it make no more calls; resolves when those under way have ended. It goes on watching. */
    async stop(): Promise<void> {
        this.#process?.stdin?.write('stop\n');
        const late = new Promise<'late'>(resolve => setTimeout(() => resolve('late'), STOPPING_MS).unref());
        if ((await Promise.race([this.#whenStopped, late])) === 'late') {
            this.#recording.problems.push(`client ${this.#index} had calls under way ${STOPPING_MS} ms after the last`);
        }
    }

    /** Has it close its store and end. */
    async end(): Promise<void> {
        this.#isToEnd = true;
        const forced = setTimeout(() => {
            this.#recording.problems.push(`client ${this.#index} did not end by itself after close()`);
            this.#process?.kill('SIGKILL');
        }, STOPPING_MS);
        this.#process?.stdin?.write('end\n');
        await this.#ended;
        clearTimeout(forced);
    }

    /** Its ways to the nodes that a fault is about. */
    waysIn({ client, node }: Lane): readonly TcpProxy[] {
        const isMeant = client === undefined || client === this.#index;
        return isMeant ? this.#proxies.filter((_, index) => node === undefined || node === index) : [];
    }

    async [Symbol.asyncDispose](): Promise<void> {
        await this.kill();
        await Promise.all(this.#proxies.map(proxy => proxy.stop()));
    }
}

/** Starts clients that work on the same nodes. */
export async function startClients(
    count: number,
    nodes: readonly { readonly port: number }[],
    recording: Recording,
    order: Workload & Pick<ClientOrder, 'store' | 'endingBucket'>,
    seed: number
): Promise<readonly Client[]> {
    const startedAtMs = now();
    const clients = await Promise.all(
        Array.from({ length: count }, (_, index) =>
            Client.create(index, nodes, recording, { ...order, startedAtMs, clients: count }, seed + index)
        )
    );
    clients.forEach(client => client.start());
    return clients;
}

function parse(text: string): Line | undefined {
    try {
        return JSON.parse(text) as Line;
    } catch {
        return undefined;
    }
}
