import {
    type NatsServer,
    startNatsServer,
    startTcpProxy,
    type TcpProxy
} from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV, Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';

import { natsServers } from '../../../packages/zero-watermark-nats-kv/test/nats-binaries.js';
import { eventually } from '../../../test/support/expectations.js';
import { NatsKvSource, PositionLostError } from '../src/index.js';
import { BucketLog } from '../src/nats-kv/bucket-log.js';
import type { KvPosition } from '../src/nats-kv/position.js';
import { parseSchema } from '../src/schema/parse-schema.js';

let server: NatsServer;
let direct: NatsConnection;
let proxy: TcpProxy;
let connection: NatsConnection;
let bucket: string;
let rows: KV;
let log: BucketLog;

beforeAll(async () => {
    server = await startNatsServer({ binary: natsServers().newest.path });
    direct = await connect({ servers: server.url });
});
afterAll(async () => {
    await direct.close();
    await server.stop();
});
beforeEach(async ({ task }) => {
    bucket = task.id;
    rows = await new Kvm(direct).create(bucket);
    proxy = await startTcpProxy({ target: server });
    connection = await connect({ servers: proxy.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    log = new BucketLog(connection, bucket);
});
afterEach(async () => {
    vi.restoreAllMocks();
    Logger.overrideLogger(['warn', 'error']);
    await connection.close();
    await proxy.stop();
});

/** Reads, and keeps what came. */
class Reading {
    readonly sequences: number[] = [];
    readonly ended: Promise<void>;
    readonly #abort = new AbortController();

    constructor(from: KvPosition) {
        this.ended = this.#read(from);
        this.ended.catch(() => {});
    }

    stop(): void {
        this.#abort.abort();
    }

    async #read(from: KvPosition): Promise<void> {
        for await (const { sequence } of log.read(from, this.#abort.signal)) {
            this.sequences.push(sequence);
        }
    }
}

/** Lets time pass for what measures how long something has lasted. */
function leap(ms: number): void {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
}

/** How often it has asked for the state of the bucket, in which this position is still to come. */
async function readAhead(sequence: number) {
    const { created } = await (await jetstreamManager(direct)).streams.info(`KV_${bucket}`);
    let asked = 0;
    direct.subscribe(`$JS.API.STREAM.INFO.KV_${bucket}`, { callback: () => void (asked += 1) });
    await direct.flush();
    const reading = new Reading({ created, sequence, storedAt: 0 });
    // It asks again when it has the answer.
    const answers = (count: number) => {
        const before = asked;
        return eventually('answers', () => asked > before + count);
    };
    await answers(1);
    return { reading, answers };
}

/** Nothing tells of it: the proxy swallows it. */
function unansweredRequest(): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, 2_500));
}

const LONG_MS = 11_000;

describe('a history that is shorter than what was read', () => {
    test('is believed when the server says so for long', async () => {
        const { reading } = await readAhead(3);
        leap(LONG_MS);
        await expect(reading.ended).rejects.toThrow(PositionLostError);
    });

    test('is not concluded when nobody answers any more, also at the end', async () => {
        const { reading } = await readAhead(3);
        proxy.blackhole();
        await unansweredRequest();
        leap(LONG_MS);
        reading.stop();
        await reading.ended;
    });

    test('is not concluded from one answer after a long silence', async () => {
        const { reading, answers } = await readAhead(3);
        proxy.blackhole();
        await unansweredRequest();
        leap(LONG_MS);
        proxy.heal();
        await answers(1);
        for (let revision = 1; revision <= 4; revision += 1) {
            await rows.put('item.a', '{}');
        }
        await eventually('the row after the position', () => reading.sequences.includes(4));
        reading.stop();
        await reading.ended;
    });
});

describe('what goes wrong is in the log', () => {
    function recordWarnings(): string[] {
        const warnings: string[] = [];
        const ignore = () => {};
        Logger.overrideLogger({ log: ignore, error: ignore, warn: message => warnings.push(String(message)) });
        return warnings;
    }

    test('once at first, and again when it lasts', async () => {
        const { reading } = await readAhead(3);
        const warnings = recordWarnings();
        proxy.cut();
        await eventually('a warning', () => warnings.length > 0);
        await unansweredRequest();
        const atFirst = warnings.length;
        expect(atFirst).toBeLessThanOrEqual(2);
        leap(31_000);
        await eventually('another one', () => warnings.length > atFirst);
        expect(warnings.every(warning => warning.includes(bucket))).toBe(true);
        reading.stop();
        await reading.ended;
    });

    test('also while nobody is there at the start, which then goes on', async () => {
        const warnings = recordWarnings();
        proxy.cut();
        const schema = parseSchema({ tables: { item: { primaryKey: ['id'], columns: { id: 'string' } } } });
        const source = new NatsKvSource({ bucket, connection: () => ({ servers: proxy.url }) }, { schema });
        const started = source.onModuleInit();
        await eventually('a warning', () => warnings.length > 0);
        proxy.heal();
        await started;
        expect(warnings).toHaveLength(1);
        await source.onApplicationShutdown();
    });
});
