import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { type NatsServer, startNatsServer } from '@cbnsndwch/zero-watermark-nats-kv/testing';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

import { natsServers } from '../../../../packages/zero-watermark-nats-kv/test/nats-binaries.js';
import { holds } from '../../../../test/support/fuzz.js';
import { anyJson, anyText, damage } from '../../../../test/support/hostile.js';
import { eventually } from '../../../../test/support/expectations.js';
import { Playground } from '../support/application.js';
import { FakeZeroCache } from '../support/fake-zero-cache.js';

/** As many as the server takes. */
const MOST_CONNECTIONS = 1_000;

let server: NatsServer;
let playground: Playground;
let url: string;
let last: string;
const sockets: Socket[] = [];

beforeAll(async () => {
    server = await startNatsServer({ binary: natsServers().newest.path });
    playground = await Playground.open([server.url]);
    url = await playground.start();
    ({ last } = await FakeZeroCache.initialSync(url));
});
afterAll(async () => {
    await playground[Symbol.asyncDispose]();
    await server.stop();
});
/** After whatever came, a good zero-cache is served as before. */
afterEach(async () => {
    sockets.splice(0).forEach(socket => socket.destroy());
    const zeroCache = FakeZeroCache.after(url, last);
    await playground.putItem('good', performance.now());
    await zeroCache.until('a change', () => zeroCache.transactions.length > 0);
    zeroCache.close();
});

async function open(): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    sockets.push(socket);
    socket.on('error', () => {});
    await Promise.race([new Promise(resolve => socket.once('connect', resolve)), endOf(socket)]);
    return socket;
}

/** Also when it ends with an error. */
function endOf(socket: Socket): Promise<unknown> {
    return new Promise(resolve => socket.once('close', resolve));
}

/** The first bytes that come, or nothing when the connection ends. */
async function answerOf(socket: Socket): Promise<string> {
    const data = new Promise<string>(resolve => socket.once('data', bytes => resolve(bytes.toString('latin1'))));
    return Promise.race([data, endOf(socket).then(() => '')]);
}

function request(target: string, headers = ''): string {
    return (
        `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n${headers}\r\n`
    );
}

/** A connection that speaks WebSocket by hand. */
async function upgraded(headers = ''): Promise<Socket> {
    const socket = await open();
    socket.write(request(`/changes/v0/stream?appID=zero&shardNum=0&lastWatermark=${last}`, headers));
    expect(await answerOf(socket)).toContain('101');
    return socket;
}

/** One frame, masked with zeros. */
function frame(first: number, payload: Uint8Array, announced = BigInt(payload.length)): Buffer {
    const head = Buffer.alloc(14);
    head.writeUInt8(first, 0);
    head.writeUInt8(0x80 | 127, 1);
    head.writeBigUInt64BE(announced, 2);
    return Buffer.concat([head, payload]);
}

/** The code with which the connection is closed: after it, or among, what comes else; `undefined`: it is not. */
async function closeCodeOf(socket: Socket): Promise<number | undefined> {
    const chunks: Buffer[] = [];
    socket.on('data', chunk => chunks.push(chunk));
    await endOf(socket);
    const all = Buffer.concat(chunks);
    const at = all.lastIndexOf(0x88);
    return at === -1 ? undefined : all.readUInt16BE(at + 2);
}

const ACK = Buffer.from('["status",{"tag":"commit"},{"watermark":"00"}]');

describe('frames that WebSocket does not allow end their connection, with the code that says why', () => {
    test.each<[string, number, () => Buffer]>([
        ['one that announces more than is taken', 1009, () => frame(0x81, Buffer.alloc(0), 2n ** 40n)],
        ['one that announces more than a number holds', 1009, () => frame(0x81, Buffer.alloc(0), 2n ** 60n)],
        ['a message that is too large', 1009, () => frame(0x81, Buffer.alloc(70_000, ' '))],
        [
            'fragments that together are too large',
            1009,
            () =>
                Buffer.concat([frame(0x01, ACK), ...Array.from({ length: 70 }, () => frame(0x00, Buffer.alloc(1_000)))])
        ],
        ['a compressed one, which was not agreed on', 1002, () => frame(0xc1, ACK)],
        ['one of no known kind', 1002, () => frame(0x83, ACK)],
        ['one that goes on with nothing', 1002, () => frame(0x80, ACK)],
        ['a ping in pieces', 1002, () => frame(0x09, ACK)],
        ['a ping that is too long', 1002, () => frame(0x89, Buffer.alloc(126))],
        ['a text that is no UTF-8', 1007, () => frame(0x81, Buffer.of(0xff))],
        ['an end without a code that may be sent', 1002, () => frame(0x88, Buffer.of(0, 1))],
        ['one that is not masked', 1002, () => Buffer.of(0x81, 0x01, 0x41)]
    ])('%s', async (_, code, bytes) => {
        const socket = await upgraded('Sec-WebSocket-Extensions: permessage-deflate\r\n');
        const closed = closeCodeOf(socket);
        socket.write(bytes());
        expect(await closed).toBe(code);
    });
});

test('messages that are none of the protocol are left out, and the connection stays', async () => {
    const warnings: unknown[] = [];
    const ignore = () => {};
    Logger.overrideLogger({ log: ignore, error: ignore, warn: message => warnings.push(message) });
    onTestFinished(() => Logger.overrideLogger(false));
    const socket = await upgraded();
    let isClosed = false;
    socket.on('close', () => (isClosed = true));
    socket.resume();
    await holds(
        fc.asyncProperty(
            fc.oneof(
                anyJson.map(value => JSON.stringify(value)),
                anyText
            ),
            fc.boolean(),
            async (text, asText) => {
                const bytes = Buffer.from(text.toWellFormed());
                if (!socket.write(frame(asText ? 0x81 : 0x82, bytes))) {
                    await once(socket, 'drain');
                }
                expect(isClosed).toBe(false);
            }
        ),
        { cost: 'call' }
    );
    // The server has dealt with all of it when it answers.
    const answered = once(socket, 'data');
    socket.write(frame(0x89, Buffer.from('?')));
    await answered;
    expect(isClosed).toBe(false);
    // Whoever sends nothing else does not fill the log.
    const misunderstood = warnings.filter(warning => String(warning).includes('not understood'));
    expect(misunderstood).toHaveLength(1);
    expect(String(misunderstood[0]).length).toBeLessThan(500);
});

test('any bytes end or leave a connection, and nothing else', async () => {
    await holds(
        fc.asyncProperty(damage, fc.uint8Array({ maxLength: 300 }), async (change, more) => {
            const socket = await upgraded();
            socket.resume();
            socket.write(change(Buffer.concat([frame(0x81, ACK), frame(0x82, more), more])));
            socket.end();
            await endOf(socket);
        }),
        { cost: 'server' }
    );
});

test('one who sends pings and reads nothing is cut off, before the answers fill the memory', async () => {
    const socket = await upgraded();
    const closed = endOf(socket);
    socket.pause();
    const ping = Buffer.concat([Buffer.of(0x89, 0x80 | 125, 0, 0, 0, 0), Buffer.alloc(125)]);
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => ping));
    const before = process.memoryUsage().rss;
    // 92 MB; who is not cut off by then, is never.
    for (let sent = 0; sent < 700 && !socket.destroyed; sent += 1) {
        if (!socket.write(pings)) {
            await Promise.race([new Promise(resolve => socket.once('drain', resolve)), closed]);
        }
        expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
    }
    await closed;
});

test('requests of any form are refused with a status, or their connection ends', async () => {
    const target = fc.oneof(
        anyText.map(text => `/changes/v0/stream?${encodeURI(text.toWellFormed())}`),
        fc.tuple(anyText, anyText).map(parts => {
            const [appID = '', lastWatermark = ''] = parts.map(part => part.toWellFormed());
            return `/changes/v0/stream?${new URLSearchParams({ appID, shardNum: '0', lastWatermark, publications: lastWatermark })}`;
        }),
        anyText.map(text => `/changes/v0/stream?appID=zero&shardNum=0&publications=${text.toWellFormed()}`),
        fc.constantFrom(
            '*',
            'http://x/changes/v0/stream',
            '//',
            `/${'x'.repeat(20_000)}`,
            '/changes/v0/stream/../stream'
        )
    );
    const headers = fc.oneof(
        fc.constant(''),
        anyText.map(text => `X: ${text}\r\n`),
        fc.constantFrom('Upgrade: h2c\r\n', 'Content-Length: 9\r\n')
    );
    // A refusal takes two seconds, so they are made together.
    const requests = fc.sample(fc.tuple(target, headers), { numRuns: 150, seed: 7 });
    const answers = await Promise.all(
        requests.map(async ([where, more]) => {
            const socket = await open();
            socket.write(Buffer.from(request(where, more)));
            return answerOf(socket);
        })
    );
    for (const answer of answers) {
        expect(answer).toMatch(/^(HTTP\/1\.1 (400|401|404|426|431|101) |$)/);
    }
    expect(new Set(answers.map(answer => answer.slice(9, 12))).size).toBeGreaterThan(2);
});

test('half requests and half frames wait, and more connections than are taken are closed at once', async () => {
    let closed = 0;
    const begun = Array.from({ length: MOST_CONNECTIONS + 100 }, async (_, index) => {
        const socket = await open();
        socket.on('close', () => (closed += 1)).resume();
        socket.write(index % 2 === 0 ? 'GET /changes/v0/stream?app' : request('/health').slice(0, -3));
    });
    await Promise.all(begun);
    await eventually('what is too much is closed', () => closed >= 100);
    sockets.splice(0).forEach(socket => socket.destroy());
    const socket = await upgraded();
    socket.write(frame(0x81, ACK).subarray(0, -1));
});

test('a row that nobody could pass on is left out, and the stream goes on', async () => {
    const zeroCache = FakeZeroCache.after(url, last);
    await playground.put('tag.a.1', `{"data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`);
    await playground.put('tag.a.2', '{"data":{"far":1e400}}');
    await playground.put('item.b', '{"count":1e400}');
    await playground.put('tag.a.3', '{"data":1}');
    await zeroCache.until('the good row', () => zeroCache.rows.get('tag')?.has('["a",3]') === true);
    expect([...(zeroCache.rows.get('tag')?.keys() ?? [])]).toEqual(['["a",3]']);
    expect(zeroCache.isClosed).toBe(false);
    zeroCache.close();
});
