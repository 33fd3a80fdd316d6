import { jetstream, jetstreamManager, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, headers as makeHeaders, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { type BackendUnderTest, ConformanceSuite, describeConformance } from '@cbnsndwch/zero-contracts/testing';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';

import { type Backend, type BackendKind, onceReachable, openOn } from './backends.js';

interface KeptMessage {
    readonly sequence: number;
    readonly subject: string;
    readonly data: Uint8Array;
    readonly headers: MsgHdrs | undefined;
}

/** A stream as it was at one moment. */
interface StreamCopy {
    readonly info: StreamInfo;
    readonly messages: readonly KeptMessage[];
}

/** Holds each kind of backend to the promises of the contracts. All of them apply, and many cases run side by side. */
export function describeNats(kinds: readonly BackendKind[]): void {
    describe.each(kinds)('$name', ({ name, start }) => {
        let backend: Backend;
        beforeAll(async () => {
            backend = await start();
        });
        afterAll(async () => {
            await backend[Symbol.asyncDispose]();
        });
        const underTest = natsUnderTest(name, () => backend);
        describeConformance(underTest, { describe, it: it.concurrent, afterAll });
        test('no promise is left out', () => {
            expect(new ConformanceSuite(underTest).leftOut).toEqual([]);
        });
    });
}

/** NATS as the conformance suite sees it: a space is a bucket, with the buckets of its shards. */
function natsUnderTest(name: string, backend: () => Backend): BackendUnderTest {
    return {
        name,
        open: (space, { instance: _, ...options }) => openOn(backend(), { ...options, bucket: space, history: 64 }),
        // Servers may hold an election while they are busy.
        patienceMs: 20_000,
        capabilities: {
            instances: true,
            durable: true,
            history: 64,
            retention: true,
            tokenOrder: true,
            keyLimit: 3_000,
            dataLimit: 1_048_576,
            tokenLimit: 1_048_576,
            storeForeignRecord: (space, key) =>
                asAdministrator(backend(), async nc => {
                    const kv = await new Kvm(nc).open(space);
                    await onceReachable(() => kv.put(key, 'garbage'));
                }),
            wipe: space =>
                asAdministrator(backend(), async (_, manager) => {
                    const streams = await streamsOf(manager, space);
                    await Promise.all(streams.map(({ config }) => manager.streams.delete(config.name)));
                }),
            backup: space =>
                asAdministrator(backend(), async (nc, manager) => {
                    const streams = await streamsOf(manager, space);
                    const copies = await Promise.all(streams.map(info => copyOf(nc, info)));
                    return () =>
                        asAdministrator(backend(), (connection, its) => restore(connection, its, space, copies));
                }),
            backupWhileOpen: true
        }
    };
}

async function asAdministrator<T>(
    { urls }: Backend,
    run: (nc: NatsConnection, manager: JetStreamManager) => Promise<T>
): Promise<T> {
    const nc = await connect({ servers: [...urls] });
    try {
        return await run(nc, await jetstreamManager(nc, { timeout: 10_000 }));
    } finally {
        await nc.close();
    }
}

/** The streams of a space. Names are asked first, because what a cluster has to say about all streams takes seconds. */
async function streamsOf(manager: JetStreamManager, space: string): Promise<StreamInfo[]> {
    const names: string[] = [];
    for await (const name of manager.streams.names()) {
        if (name === `KV_${space}` || name.startsWith(`KV_${space}-tokens-`)) {
            names.push(name);
        }
    }
    return Promise.all(names.map(name => manager.streams.info(name)));
}

async function copyOf(nc: NatsConnection, info: StreamInfo): Promise<StreamCopy> {
    const messages: KeptMessage[] = [];
    if (info.state.messages > 0) {
        const consumer = await jetstream(nc).consumers.get(info.config.name);
        while (messages.length < info.state.messages) {
            const missing = info.state.messages - messages.length;
            for await (const { seq, subject, data, headers } of await consumer.fetch({
                max_messages: missing,
                expires: 5_000
            })) {
                messages.push({ sequence: seq, subject, data: data.slice(), headers });
            }
        }
    }
    return { info, messages };
}

/** Makes the streams again as they were, each message at its sequence. */
async function restore(
    nc: NatsConnection,
    manager: JetStreamManager,
    space: string,
    copies: readonly StreamCopy[]
): Promise<void> {
    const there = await streamsOf(manager, space);
    await Promise.all(there.map(({ config }) => manager.streams.delete(config.name)));
    await Promise.all(copies.map(copy => restoreStream(nc, manager, copy)));
}

async function restoreStream(
    nc: NatsConnection,
    manager: JetStreamManager,
    { info, messages }: StreamCopy
): Promise<void> {
    const { name, subjects } = info.config;
    const js = jetstream(nc, { timeout: 10_000 });
    await manager.streams.add(info.config);
    const first = messages[0]?.sequence ?? info.state.last_seq + 1;
    await manager.streams.purge(name, { seq: first });
    const filler = (subjects[0] ?? '').replace('>', 'filler');
    let next = first;
    for (const { sequence, subject, data, headers } of messages) {
        for (; next < sequence; next += 1) {
            await onceReachable(() => js.publish(filler, ''));
        }
        await onceReachable(() => js.publish(subject, data, { headers: withoutConditions(headers) }));
        next += 1;
    }
    await manager.streams.purge(name, { filter: filler });
}

/** The headers that belong to a message, not to the way in which it was once written. */
function withoutConditions(headers: MsgHdrs | undefined): MsgHdrs {
    const kept = makeHeaders();
    for (const [name, values] of headers ?? []) {
        if (!name.startsWith('Nats-')) {
            values.forEach(value => kept.append(name, value));
        }
    }
    return kept;
}
