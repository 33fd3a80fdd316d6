import { setTimeout as wait } from 'node:timers/promises';

import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';

import { loadReports, type NetworkRow, type QuakeRow, type Report } from './rows.js';
import { Signal } from './signal.js';

/** The bucket of the rows. */
export const ROWS_BUCKET = 'rows';

/** A moment between two reports, so that they are spread over the whole story. */
const PAUSE_MS = 8;

/**
 * The upstream database: a bucket of rows that a program writes to, and what is in it.
 *
 * It repeats the reports in circles. Each comes as an insert, is revised later, and may be withdrawn; each also changes the
 * row of its network, so some rows change all the time.
 */
export class Upstream {
    readonly quakes = new Map<string, QuakeRow>();
    readonly networks = new Map<string, NetworkRow>();
    readonly #changed = new Signal();
    #writes = 0;
    readonly #connection: NatsConnection;
    readonly #bucket: KV;
    readonly #reports: readonly Report[] = loadReports();
    #next = 0;
    #writing: Promise<void> | undefined;
    #stopped = false;

    static async open(servers: readonly string[], replicas: number): Promise<Upstream> {
        const connection = await connect({
            servers: [...servers],
            maxReconnectAttempts: -1,
            reconnectTimeWait: 100,
            pingInterval: 2_000
        });
        const bucket = await new Kvm(connection).create(ROWS_BUCKET, { replicas, history: 1 });
        return new Upstream(connection, bucket);
    }

    private constructor(connection: NatsConnection, bucket: KV) {
        this.#connection = connection;
        this.#bucket = bucket;
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

    /** Makes the next so many reports at once. */
    async report(count: number): Promise<void> {
        for (let index = 0; index < count; index += 1) {
            await this.#report();
        }
    }

    /** Resolves when so many more writes are stored. */
    async goesOn(writes: number): Promise<void> {
        const enough = this.#writes + writes;
        await this.#changed.until('the upstream to take writes', () => this.#writes >= enough, 60_000);
    }

    async put(row: QuakeRow): Promise<void> {
        await this.#store(`quake.${row.id}`, row);
        this.quakes.set(row.id, row);
    }

    /** The name of the server that leads a bucket's stream. */
    async leaderOf(bucket: string): Promise<string | undefined> {
        const manager = await jetstreamManager(this.#connection, { checkAPI: false });
        return (await manager.streams.info(`KV_${bucket}`)).cluster?.leader;
    }

    /** Removes a bucket with all that it holds. */
    async deleteBucket(name: string): Promise<void> {
        const manager = await jetstreamManager(this.#connection, { checkAPI: false });
        await this.#untilStored(() => manager.streams.delete(`KV_${name}`));
    }

    async close(): Promise<void> {
        await this.stopWriting();
        await this.#connection.close();
    }

    async #write(): Promise<void> {
        while (!this.#stopped) {
            await this.#report();
            await wait(PAUSE_MS);
        }
    }

    async #report(): Promise<void> {
        const index = this.#next;
        this.#next += 1;
        const report = this.#reports[index % this.#reports.length];
        if (report === undefined) {
            return;
        }
        await this.put(report.row);
        await this.#count(report);
        const earlier = index < 20 ? undefined : this.#reports[(index - 20) % this.#reports.length]?.row;
        if (earlier !== undefined && index % 3 === 0) {
            await this.put({ ...earlier, magnitude: earlier.magnitude + 0.1, reviewed: true });
        } else if (earlier !== undefined && index % 7 === 0) {
            await this.#delete(`quake.${earlier.id}`);
            this.quakes.delete(earlier.id);
        }
    }

    async #count({ row, type }: Report): Promise<void> {
        const key = `network.${row.network}.${type.replaceAll(' ', '=20')}`;
        const before = this.networks.get(key);
        const after = {
            code: row.network,
            type,
            quakes: (before?.quakes ?? 0) + 1,
            strongest: Math.max(before?.strongest ?? row.magnitude, row.magnitude),
            last: row.id
        };
        await this.#store(key, after);
        this.networks.set(key, after);
    }

    #store(key: string, row: object): Promise<void> {
        return this.#untilStored(() => this.#bucket.put(key, JSON.stringify(row)));
    }

    #delete(key: string): Promise<void> {
        return this.#untilStored(() => this.#bucket.delete(key));
    }

    /** All writes are of the whole row and by one writer, so doing one twice does no harm. */
    async #untilStored(write: () => Promise<unknown>): Promise<void> {
        for (;;) {
            try {
                await write();
                this.#writes += 1;
                this.#changed.give();
                return;
            } catch (error) {
                if (this.#connection.isClosed()) {
                    throw error;
                }
                await wait(50);
            }
        }
    }
}
