import { EventEmitter } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';

import { loadReports, type NetworkRow, type QuakeRow, type Report, type Rows } from './rows.js';
import { Signal } from './signal.js';

/** The bucket of the rows. */
export const ROWS_BUCKET = 'rows';

/** A moment between two reports, so that they are spread over the whole story. */
const PAUSE_MS = 8;

/** How long a server may take for an answer before it is asked again. */
const ANSWER_MS = 1_000;

/** How an {@link Upstream} is opened. */
export interface UpstreamOptions {
    readonly servers: readonly string[];
    /** How many of them keep a copy of the rows. */
    readonly replicas: number;
    /** When it aborts, nothing more is written, and whoever waits for a write is told so. */
    readonly signal?: AbortSignal | undefined;
}

interface UpstreamEvents {
    /** A row is about to be stored or removed under this key. */
    write: [key: string];
}

/**
 * The upstream database: a bucket of rows that a program writes to, and what is in it.
 *
 * It repeats the reports in circles. Each comes as an insert, is revised later, and may be withdrawn; each also changes the
 * row of its network, so some rows change all the time.
 */
export class Upstream extends EventEmitter<UpstreamEvents> {
    /** What there is to report, in order. */
    readonly reports: readonly Report[] = loadReports();
    readonly #quakes = new Map<string, QuakeRow>();
    readonly #networks = new Map<string, NetworkRow>();
    readonly #connection: NatsConnection;
    readonly #bucket: KV;
    readonly #changed: Signal;
    #writes = 0;
    #reported = 0;
    #writing: Promise<void> | undefined;
    #stopped = false;

    static async open({ servers, replicas, signal }: UpstreamOptions): Promise<Upstream> {
        const connection = await connect({
            servers: [...servers],
            maxReconnectAttempts: -1,
            reconnectTimeWait: 100,
            pingInterval: 2_000
        });
        // What is under way is given up then.
        signal?.addEventListener('abort', () => void connection.close());
        const client = jetstream(connection, { timeout: ANSWER_MS });
        const bucket = await new Kvm(client).create(ROWS_BUCKET, { replicas, history: 1 });
        return new Upstream(connection, bucket, signal);
    }

    private constructor(connection: NatsConnection, bucket: KV, signal: AbortSignal | undefined) {
        super();
        this.#connection = connection;
        this.#bucket = bucket;
        this.#changed = new Signal(signal);
    }

    /** All rows that it has, as they were written. */
    get rows(): Rows {
        return { quake: [...this.#quakes.values()], network: [...this.#networks.values()] };
    }

    /** How many rows it has. */
    get size(): number {
        return this.#quakes.size + this.#networks.size;
    }

    /** How many writes were acknowledged. */
    get writes(): number {
        return this.#writes;
    }

    /** How many reports were made. */
    get reported(): number {
        return this.#reported;
    }

    /** Writes until it is told to stop. */
    startWriting(): void {
        this.#stopped = false;
        this.#writing = this.#write();
    }

    /** Resolves when the last write is stored. */
    async stopWriting(): Promise<void> {
        this.#stopped = true;
        await this.#writing;
    }

    /** Makes the next report, with all that it changes. */
    async report(): Promise<void> {
        const index = this.#reported;
        const reportAt = (position: number) => this.reports[position % this.reports.length];
        const report = reportAt(index);
        if (report === undefined) {
            return;
        }
        this.#reported += 1;
        await this.put(report.row);
        await this.#count(report);
        const earlier = index < 20 ? undefined : reportAt(index - 20)?.row;
        if (earlier !== undefined && index % 3 === 0) {
            await this.put({ ...earlier, magnitude: earlier.magnitude + 0.1, reviewed: true });
        } else if (earlier !== undefined && index % 7 === 0) {
            await this.#delete(`quake.${earlier.id}`);
            this.#quakes.delete(earlier.id);
        }
    }

    /** Resolves when so many more writes are stored. */
    async goesOn(writes: number): Promise<void> {
        const enough = this.#writes + writes;
        await this.#changed.until('the upstream to take writes', () => this.#writes >= enough, 60_000);
    }

    async put(row: QuakeRow): Promise<void> {
        await this.#store(`quake.${row.id}`, row);
        this.#quakes.set(row.id, row);
    }

    /** All rows as the bucket gives them. */
    stored(): Promise<Rows> {
        return this.#untilAnswered(async () => {
            const rows: { quake: QuakeRow[]; network: NetworkRow[] } = { quake: [], network: [] };
            for await (const entry of await this.#bucket.watch()) {
                if (entry.operation === 'PUT') {
                    const [table] = entry.key.split('.', 1);
                    rows[table as keyof Rows].push(entry.json());
                }
                if (entry.delta === 0) {
                    break;
                }
            }
            return rows;
        });
    }

    /** The name of the server that leads a bucket's stream; there is none where a server is alone. */
    async leaderOf(bucket: string): Promise<string | undefined> {
        const manager = await jetstreamManager(this.#connection, { checkAPI: false });
        return (await manager.streams.info(`KV_${bucket}`)).cluster?.leader;
    }

    /** Removes a bucket with all that it holds. */
    async deleteBucket(name: string): Promise<void> {
        const manager = await jetstreamManager(this.#connection, { checkAPI: false });
        await this.#untilAnswered(() => manager.streams.delete(`KV_${name}`));
    }

    async close(): Promise<void> {
        this.#stopped = true;
        await this.#connection.close();
        await Promise.allSettled([this.#writing]);
    }

    async #write(): Promise<void> {
        while (!this.#stopped) {
            await this.report();
            await wait(PAUSE_MS);
        }
    }

    async #count({ row, type }: Report): Promise<void> {
        const key = `network.${row.network}.${type.replaceAll(' ', '=20')}`;
        const before = this.#networks.get(key);
        const after = {
            code: row.network,
            type,
            quakes: (before?.quakes ?? 0) + 1,
            strongest: Math.max(before?.strongest ?? row.magnitude, row.magnitude),
            last: row.id
        };
        await this.#store(key, after);
        this.#networks.set(key, after);
    }

    #store(key: string, row: object): Promise<void> {
        return this.#writeTo(key, () => this.#bucket.put(key, JSON.stringify(row)));
    }

    #delete(key: string): Promise<void> {
        return this.#writeTo(key, () => this.#bucket.delete(key));
    }

    async #writeTo(key: string, call: () => Promise<unknown>): Promise<void> {
        this.emit('write', key);
        await this.#untilAnswered(call);
        this.#writes += 1;
        this.#changed.give();
    }

    /** All writes are of the whole row and by one writer, so doing one twice does no harm. */
    async #untilAnswered<T>(call: () => Promise<T>): Promise<T> {
        for (;;) {
            try {
                return await call();
            } catch (error) {
                if (this.#connection.isClosed()) {
                    throw error;
                }
                await wait(50);
            }
        }
    }
}
