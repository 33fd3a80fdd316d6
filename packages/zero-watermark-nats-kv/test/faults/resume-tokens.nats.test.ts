import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { isWatermarkError, type LexiVersion, WatermarkErrorCode } from '../../src/store.js';
import {
    type NatsCluster,
    type NatsServer,
    startNatsCluster,
    startNatsServer,
    startTcpProxy
} from '../../src/testing.js';
import { natsServers } from '../nats-binaries.js';
import { Administrator } from '../support/administrator.js';
import { eventually, openOn, uniqueBucket } from '../support/backends.js';
import { MARGIN_MS, timed } from '../support/outcomes.js';

const { newest, oldest } = natsServers();
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

function expectGrowing(watermarks: readonly LexiVersion[]): void {
    expect(watermarks).toEqual([...new Set(watermarks)].toSorted());
}

/** Runs a change source's process; `onLine` sees each token with its watermark as it is printed. */
function startProcess(options: object, onLine: (token: string, watermark: string) => void = () => {}) {
    const script = fileURLToPath(new URL('../support/token-process.mjs', import.meta.url));
    const child: ChildProcess = spawn(process.execPath, [script, JSON.stringify(options)], {
        stdio: ['ignore', 'pipe', 'inherit']
    });
    const given = new Map<string, string>();
    if (child.stdout !== null) {
        createInterface({ input: child.stdout }).on('line', line => {
            const [token, watermark] = JSON.parse(line) as [string, string];
            given.set(token, watermark);
            onLine(token, watermark);
        });
    }
    const ended = new Promise<number | null>(resolve => child.on('close', resolve));
    return { child, given, ended };
}

describe.each([newest, oldest])('one server ($version)', ({ path }) => {
    let server: NatsServer;

    beforeAll(async () => {
        server = await startNatsServer({ binary: path });
    });
    afterAll(async () => {
        await server.stop();
    });

    async function createShardWithoutBatches(bucket: string): Promise<void> {
        await using administrator = await Administrator.connect([server.url]);
        await administrator.createUnlimitedBucket(`${bucket}-tokens-s`, 1);
    }

    async function messagesOf(bucket: string): Promise<number> {
        const nc = await connect({ servers: server.url });
        const { state } = await (await jetstreamManager(nc)).streams.info(`KV_${bucket}-tokens-s`);
        await nc.close();
        return state.messages;
    }

    test('four processes that race with the same tokens agree on every watermark', async () => {
        const options = { servers: [server.url], bucket: uniqueBucket(), replicas: 1, prefix: 't', count: 300 };
        const processes = Array.from({ length: 4 }, () => startProcess(options));
        expect(await Promise.all(processes.map(({ ended }) => ended))).toEqual([0, 0, 0, 0]);
        const [first, ...others] = processes.map(({ given }) => [...given]);
        expect(first?.map(([token]) => token)).toEqual(named('t', 300));
        expectGrowing((first ?? []).map(([, watermark]) => watermark));
        for (const other of others) {
            expect(other).toEqual(first);
        }
        expect(await messagesOf(options.bucket)).toBe(300);
    });

    test('a process that is killed with -9 leaves nothing half done: another goes on with the same watermarks', async () => {
        const options = { servers: [server.url], bucket: uniqueBucket(), replicas: 1, prefix: 't', count: 400 };
        const victim = startProcess({ ...options, count: 1_000_000 }, token => {
            if (token === 't200') {
                victim.child.kill('SIGKILL');
            }
        });
        await victim.ended;
        const successor = startProcess(options);
        expect(await successor.ended).toBe(0);
        const watermarks = named('t', 400).map(token => String(successor.given.get(token)));
        expectGrowing(watermarks);
        for (const [token, watermark] of [...victim.given].slice(0, 200)) {
            expect(successor.given.get(token)).toBe(watermark);
        }
    });

    test.each([
        ['one token', 1],
        ['twenty tokens', 20]
    ])('%s whose acknowledgement is lost is stored once, and gets the watermark it has', async (_, count) => {
        await using proxy = await startTcpProxy({ target: { port: server.port } });
        const bucket = uniqueBucket();
        await using store = await openOn(
            { urls: [proxy.url], replicas: 1, [Symbol.asyncDispose]: async () => {} },
            { bucket }
        );
        await using observer = await openOn(
            { urls: [server.url], replicas: 1, [Symbol.asyncDispose]: async () => {} },
            { bucket }
        );
        const before = await store.resumeTokens.getOrCreateWatermark('s', 'before');
        proxy.dropAnswers();
        const pending = store.resumeTokens.getOrCreateWatermarks('s', named('lost', count));
        let stored = await messagesOf(bucket);
        while (stored === 1) {
            stored = await messagesOf(bucket);
        }
        proxy.heal();
        const watermarks = await pending;
        expectGrowing([before, ...watermarks]);
        expect(await messagesOf(bucket)).toBe(1 + count);
        expect(await observer.resumeTokens.getOrCreateWatermarks('s', named('lost', count))).toEqual(watermarks);
    });

    test('a sync whose acknowledgement is lost has one watermark', async () => {
        await using proxy = await startTcpProxy({ target: { port: server.port } });
        const bucket = uniqueBucket();
        await using store = await openOn(
            { urls: [proxy.url], replicas: 1, [Symbol.asyncDispose]: async () => {} },
            { bucket }
        );
        const before = await store.resumeTokens.getOrCreateWatermark('s', 'a');
        proxy.dropAnswers();
        const pending = store.resumeTokens.beginSync('s', 'a');
        while ((await messagesOf(bucket)) === 1) {
            // Asking takes a round trip of its own.
        }
        proxy.heal();
        const sync = await pending;
        expectGrowing([before, sync]);
        expect(await messagesOf(bucket)).toBe(2);
        expect(await store.resumeTokens.head('s')).toEqual({ watermark: sync, resumeToken: 'a' });
    });

    test('the order of overlapping calls survives broken connections', async () => {
        await using proxy = await startTcpProxy({ target: { port: server.port } });
        await using store = await openOn({ urls: [proxy.url], replicas: 1, [Symbol.asyncDispose]: async () => {} });
        const calls: Promise<LexiVersion>[] = [];
        for (let round = 0; round < 6; round += 1) {
            for (let call = 0; call < 40; call += 1) {
                calls.push(store.resumeTokens.getOrCreateWatermark('s', `t${calls.length}`));
                if (call % 10 === 9) {
                    await new Promise(resolve => setImmediate(resolve));
                }
            }
            if (round % 2 === 0) {
                proxy.cut();
            } else {
                proxy.dropAnswers();
            }
            calls.push(store.resumeTokens.getOrCreateWatermark('s', `t${calls.length}`));
            await new Promise(resolve => setTimeout(resolve, 100));
            proxy.heal();
        }
        expectGrowing(await Promise.all(calls));
    });

    test.each(['connection is cut', 'server is killed with -9'])(
        'thousands of tokens, while the %s again and again: none is lost or stored twice, and they stay in order',
        async fault => {
            await using proxy = await startTcpProxy({ target: { port: server.port } });
            const bucket = uniqueBucket();
            const backend = { urls: [proxy.url], replicas: 1, [Symbol.asyncDispose]: async () => {} };
            await using store = await openOn(backend, { bucket, timeoutMs: 60_000 });
            await store.resumeTokens.provision(['s']);
            // Where there are no batches, each token is a message of its own, which takes longer.
            const tokens = named('t', path === newest.path ? 10_000 : 4_000);
            const pending = store.resumeTokens.getOrCreateWatermarks('s', tokens);
            for (let stored = 0; stored < tokens.length * 0.6;) {
                const enough = stored + tokens.length * 0.15;
                while (stored < enough) {
                    stored = await messagesOf(bucket);
                }
                if (fault === 'connection is cut') {
                    proxy.cut();
                    proxy.heal();
                } else {
                    await server.kill('SIGKILL');
                    await server.restart();
                }
            }
            const watermarks = await pending;
            expectGrowing(watermarks);
            expect(await messagesOf(bucket)).toBe(tokens.length);
            await using later = await openOn(backend, { bucket, timeoutMs: 60_000 });
            expect(await later.resumeTokens.getOrCreateWatermarks('s', tokens)).toEqual(watermarks);
        }
    );

    test('tokens that take longer to be stored than a call may take: it ends in time, and the next one goes on there', async () => {
        const bucket = uniqueBucket();
        // Single messages, as with servers that have no batches.
        await createShardWithoutBatches(bucket);
        const backend = { urls: [server.url], replicas: 1 };
        await using hasty = await openOn(backend, { bucket, timeoutMs: 500 });
        await eventuallyResolves(() => hasty.resumeTokens.head('s'));
        const tokens = named('t', 10_000);
        const { code, tookMs } = await timed(hasty.resumeTokens.getOrCreateWatermarks('s', tokens));
        expect(code).toBe(WatermarkErrorCode.UNAVAILABLE);
        expect(tookMs).toBeLessThan(500 + MARGIN_MS);
        const stored = await messagesOf(bucket);
        expect(stored).toBeGreaterThan(0);
        await using patient = await openOn(backend, { bucket });
        const some = tokens.slice(0, stored + 10);
        expectGrowing(await patient.resumeTokens.getOrCreateWatermarks('s', some));
        expect(await messagesOf(bucket)).toBe(some.length);
    });

    test('a write that fails for good fails what waits behind it, and the order holds when all are tried again', async () => {
        await using proxy = await startTcpProxy({ target: { port: server.port } });
        const bucket = uniqueBucket();
        const backend = { urls: [proxy.url], replicas: 1, [Symbol.asyncDispose]: async () => {} };
        await using store = await openOn(backend, { bucket, timeoutMs: 1_000 });
        const before = await store.resumeTokens.getOrCreateWatermark('s', 'before');
        proxy.blackhole();
        const first = store.resumeTokens.getOrCreateWatermark('s', 'a').catch((error: unknown) => error);
        await new Promise(resolve => setTimeout(resolve, 100));
        const behind = store.resumeTokens.getOrCreateWatermark('s', 'b').catch((error: unknown) => error);
        expect(isWatermarkError(await first, WatermarkErrorCode.OUTCOME_UNKNOWN)).toBe(true);
        expect(isWatermarkError(await behind, WatermarkErrorCode.UNAVAILABLE)).toBe(true);
        proxy.heal();
        const again: LexiVersion[] = [];
        for (const token of ['a', 'b']) {
            await eventuallyResolves(async () => again.push(await store.resumeTokens.getOrCreateWatermark('s', token)));
        }
        expectGrowing([before, ...again]);
    });
});

/** Repeats a call until it is not rejected. */
async function eventuallyResolves(call: () => Promise<unknown>): Promise<void> {
    for (let left = 50; ; left -= 1) {
        try {
            await call();
            return;
        } catch (error) {
            if (left === 0) {
                throw error;
            }
        }
    }
}

describe.each([newest, oldest])('three nodes ($version)', ({ path }) => {
    let cluster: NatsCluster;

    beforeAll(async () => {
        cluster = await startNatsCluster(3, { binary: path });
    });
    afterAll(async () => {
        await cluster.stop();
    });

    async function leaderOf(bucket: string): Promise<NatsServer> {
        const nc = await connect({ servers: [...cluster.urls] });
        try {
            const info = await (await jetstreamManager(nc)).streams.info(`KV_${bucket}-tokens-s`);
            const leader = cluster.nodes.find(node => node.name === info.cluster?.leader);
            if (leader === undefined) {
                throw new Error(`no node is called ${info.cluster?.leader}`);
            }
            return leader;
        } finally {
            await nc.close();
        }
    }

    /** As often as it takes: 2.10.27 now and then falls silent while all its nodes make routes at once. */
    async function killAllAndRestart(): Promise<void> {
        for (let left = 3; ; left -= 1) {
            await Promise.all(cluster.nodes.map(node => node.kill('SIGKILL')));
            await Promise.all(cluster.nodes.map(node => node.restart()));
            try {
                await cluster.waitUntilReady(12_000);
                return;
            } catch (error) {
                if (left === 0) {
                    throw error;
                }
            }
        }
    }

    test.each(['kill -9', 'step-down', 'pause'] as const)(
        'tokens go on through %s of the leader: no error, one watermark each, in order',
        async fault => {
            const backend = { urls: cluster.urls, replicas: 3, [Symbol.asyncDispose]: async () => {} };
            const bucket = uniqueBucket();
            // A node that is paused together with the only client connection is noticed after some seconds, then elected away.
            await using one = await openOn(backend, { bucket, timeoutMs: 40_000 });
            await using two = await openOn(backend, { bucket, timeoutMs: 40_000 });
            const leader = await leaderOf(bucket).catch(async () => {
                await one.resumeTokens.provision(['s']);
                return leaderOf(bucket);
            });
            const tokens = named('t', 600);
            const watermarks: LexiVersion[][] = [[], []];
            let halfWay = false;
            const running = [one, two].map(async (store, index) => {
                for (const token of tokens) {
                    watermarks[index]?.push(await store.resumeTokens.getOrCreateWatermark('s', token));
                    halfWay ||= (watermarks[index]?.length ?? 0) > 200;
                }
            });
            await eventually('two hundred tokens', () => halfWay);
            if (fault === 'kill -9') {
                await leader.kill('SIGKILL');
            } else if (fault === 'pause') {
                leader.pause();
            } else {
                const nc = await connect({ servers: [...cluster.urls] });
                await nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.KV_${bucket}-tokens-s`, '', { timeout: 5_000 });
                await nc.close();
            }
            await Promise.all(running);
            expectGrowing(watermarks[0] ?? []);
            expect(watermarks[1]).toEqual(watermarks[0]);
            if (fault === 'kill -9') {
                await leader.restart();
            } else if (fault === 'pause') {
                leader.resume();
            }
            await cluster.waitUntilReady();
            await using later = await openOn(backend, { bucket });
            expect(await later.resumeTokens.getOrCreateWatermarks('s', tokens)).toEqual(watermarks[0]);
        }
    );

    test('nothing is lost when all nodes are killed with -9 and started again; the clock survives too', async () => {
        const backend = { urls: cluster.urls, replicas: 3, [Symbol.asyncDispose]: async () => {} };
        const bucket = uniqueBucket();
        await using store = await openOn(backend, { bucket, timeoutMs: 60_000 });
        const watermarks = await store.resumeTokens.getOrCreateWatermarks('s', named('t', 50));
        await store.resumeTokens.provision(['empty']);
        await killAllAndRestart();
        const last = String(watermarks[49]);
        expect(await store.resumeTokens.resume('s', last)).toEqual({ kind: 'resume', resumeToken: 't49' });
        expectGrowing([...watermarks, await store.resumeTokens.getOrCreateWatermark('s', 'after')]);
        // Its first watermark comes after those of a shard that was there before it: both begin at the clock.
        expectGrowing([String(watermarks[0]), await store.resumeTokens.getOrCreateWatermark('empty', 'a')]);
    });
});
