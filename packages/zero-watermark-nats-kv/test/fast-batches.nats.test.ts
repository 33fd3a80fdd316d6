import { connect, createInbox, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { JetStream } from '../src/jetstream.js';
import { type Header, headersWith, LAST_SEQUENCE } from '../src/message-headers.js';
import { ApiFailure, isConflict } from '../src/nats-errors.js';
import { Requester } from '../src/requester.js';
import { type NatsServer, startNatsServer } from '../src/testing.js';
import { natsServers } from './nats-binaries.js';
import { eventually, openOn, rejectionOf, uniqueBucket } from './support/backends.js';

// What TokenAppender takes for granted of fast batches, with one replica.

const IS_NEW: Header = ['Nats-Expected-Last-Subject-Sequence', '0'];
const TIMEOUT_MS = 5_000;

let server: NatsServer;
let nc: NatsConnection;
let js: JetStream;
let stream: string;

beforeAll(async () => {
    server = await startNatsServer({ binary: natsServers().newest.path });
    nc = await connect({ servers: server.url });
    js = new JetStream(new Requester(nc, undefined));
});
afterAll(async () => {
    await nc.close();
    await server.stop();
});
beforeEach(async () => {
    stream = uniqueBucket();
    await js.createStream(
        { name: stream, subjects: [`${stream}.>`], max_msgs_per_subject: 1, allow_batched: true },
        TIMEOUT_MS
    );
});

const message = (name: string) => ({ subject: `${stream}.${name}`, payload: Buffer.from(name) });
const named = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const publishFast = (names: readonly string[], lastSequence: number) =>
    js.publishFast(names.map(message), [IS_NEW], lastSequence, TIMEOUT_MS);

async function stored(): Promise<string[]> {
    const { state } = await js.streamInfo(stream, TIMEOUT_MS);
    const names: string[] = [];
    for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq += 1) {
        const found = await js.getMessage(stream, { seq }, TIMEOUT_MS);
        names.push(found === null ? '' : Buffer.from(found.data).toString());
    }
    return names;
}

/** A batch of five, sent by hand at the beginning of the stream, of which parts can be left out or come late. */
function batchByHand() {
    const inbox = createInbox();
    const answers: string[] = [];
    nc.subscribe(`${inbox}.>`, { callback: (_, answer) => void answers.push(answer.string()) });
    const send = (...indices: readonly number[]) => {
        for (const index of indices) {
            const { subject, payload } = message(`a${index}`);
            const operation = index === 4 ? 2 : index === 0 ? 0 : 1;
            nc.publish(subject, payload, {
                headers: headersWith(IS_NEW, [LAST_SEQUENCE, String(index)]),
                reply: `${inbox}.500.fail.${index + 1}.${operation}.$FI`
            });
        }
    };
    return { answers, send };
}

test('all are stored, one after another', async () => {
    expect(await publishFast(named('a', 1_000), 0)).toEqual({ count: 1_000, sequence: 1_000 });
    expect(await publishFast(['b', 'c'], 1_000)).toEqual({ count: 2, sequence: 1_002 });
    expect(await publishFast(['d'], 1_002)).toEqual({ count: 1, sequence: 1_003 });
    expect(await stored()).toEqual([...named('a', 1_000), 'b', 'c', 'd']);
});

test.each([1, 2, 500, 998, 999])('nothing is stored behind one that is there already (%i of 1,000)', async position => {
    const names = named('a', 1_000);
    await publishFast([String(names[position])], 0);
    expect(await publishFast(names, 1)).toEqual({ count: position, sequence: 1 + position });
    expect(await stored()).toEqual([names[position], ...names.slice(0, position)]);
});

test('nothing is stored when the first one is there already', async () => {
    await publishFast(['a0'], 0);
    expect(isConflict(await rejectionOf(publishFast(named('a', 1_000), 1)))).toBe(true);
    expect(await stored()).toEqual(['a0']);
});

test('nothing is stored when the stream ends elsewhere', async () => {
    await publishFast(['x', 'y'], 0);
    for (const end of [0, 1, 3]) {
        expect(isConflict(await rejectionOf(publishFast(named('a', 100), end)))).toBe(true);
    }
    expect(await stored()).toEqual(['x', 'y']);
});

test('nothing is stored behind a message that was lost, also when it comes late', async () => {
    const { answers, send } = batchByHand();
    send(0, 1, 3, 2, 4);
    await eventually('the end of the batch', () => answers.some(answer => answer.includes('"count":2')));
    expect(await stored()).toEqual(['a0', 'a1']);
});

test('nothing is stored of a batch whose beginning was lost', async () => {
    const { answers, send } = batchByHand();
    send(1, 2, 3, 4);
    await eventually('four refusals', () => answers.length === 4);
    expect(await stored()).toEqual([]);
});

test('nothing is stored behind what somebody else stores meanwhile, not even where it would fit', async () => {
    const { answers, send } = batchByHand();
    send(0, 1);
    const { subject, payload } = message('x');
    await js.publish(subject, payload, headersWith(IS_NEW), TIMEOUT_MS);
    send(2, 3, 4);
    await eventually('the end of the batch', () => answers.some(answer => answer.includes('"count":2')));
    expect(await stored()).toEqual(['a0', 'a1', 'x']);
});

test('a stream that nobody hosts has no responders', async () => {
    stream = uniqueBucket();
    expect(await rejectionOf(publishFast(['a', 'b', 'c'], 0))).toMatchObject({ kind: 'no-responders' });
});

test('a stream that does not take them refuses', async () => {
    stream = uniqueBucket();
    await js.createStream({ name: stream, subjects: [`${stream}.>`] }, TIMEOUT_MS);
    expect(await rejectionOf(publishFast(['a', 'b', 'c'], 0))).toBeInstanceOf(ApiFailure);
});

test('tokens that come together are stored as fast batches', async () => {
    const bucket = uniqueBucket();
    await using store = await openOn({ urls: [server.url], replicas: 1 }, { bucket });
    await store.resumeTokens.getOrCreateWatermarks('s', named('t', 20));
    stream = `KV_${bucket}-tokens-s`;
    const { state } = await js.streamInfo(stream, TIMEOUT_MS);
    const last = await js.getMessage(stream, { seq: state.last_seq }, TIMEOUT_MS);
    expect(last?.headers).toEqual(new Map([IS_NEW, [LAST_SEQUENCE, String(state.last_seq - 1)]]));
});

test('two instances that store different tokens in turn keep the order of each', async () => {
    const bucket = uniqueBucket();
    await using one = await openOn({ urls: [server.url], replicas: 1 }, { bucket });
    await using two = await openOn({ urls: [server.url], replicas: 1 }, { bucket });
    const given = await Promise.all(
        [one, two].map(async (store, index) => {
            const watermarks: string[] = [];
            for (let round = 0; round < 10; round += 1) {
                const tokens = named(`${index}-${round}-`, 150);
                watermarks.push(...(await store.resumeTokens.getOrCreateWatermarks('s', tokens)));
            }
            return watermarks;
        })
    );
    given.forEach(watermarks => expect(watermarks).toEqual(watermarks.toSorted()));
    expect(new Set(given.flat()).size).toBe(3_000);
});
