import 'reflect-metadata';

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { openMemoryStore } from '@cbnsndwch/zero-contracts/memory';
import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { ChangeSourceServer } from '../src/change-source.server.js';
import { type Snapshot, UpstreamSource } from '../src/index.js';
import { SharedSecret } from '../src/protocol/secret.js';
import { parseSchema } from '../src/schema/parse-schema.js';

const schema = parseSchema({ tables: { item: { primaryKey: ['id'], columns: { id: 'string' } } } });

/** Has nothing, and nothing happens in it. */
class QuietSource extends UpstreamSource {
    override snapshot(): Promise<Snapshot> {
        return Promise.resolve({ position: '0', changes: this.changesAfter() });
    }

    override async *changesAfter(): AsyncGenerator<never, void, undefined> {}
}

let server: ChangeSourceServer;
let isStopped: boolean;
const sockets: Socket[] = [];

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['log', 'warn', 'error', 'fatal']));
beforeEach(async () => {
    const { resumeTokens } = openMemoryStore();
    server = new ChangeSourceServer({ schema, port: 0 }, new QuietSource(), resumeTokens, new SharedSecret('right'));
    isStopped = false;
    await server.onApplicationBootstrap();
});
afterEach(async () => {
    sockets.splice(0).forEach(socket => socket.destroy());
    if (!isStopped) {
        await server.beforeApplicationShutdown();
    }
});

/** A client that closes nothing by itself, and says this much. */
async function stubborn(request = ''): Promise<Socket> {
    const { hostname: host, port } = new URL(server.url);
    const socket = connect({ host, port: Number(port), allowHalfOpen: true });
    sockets.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(request);
    socket.resume();
    return socket;
}

function upgrade(secret: string): string {
    return (
        `GET /changes/v0/stream?appID=zero&shardNum=0&secret=${secret} HTTP/1.1\r\nHost: x\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`
    );
}

async function stopMs(): Promise<number> {
    const begin = performance.now();
    await server.beforeApplicationShutdown();
    isStopped = true;
    return performance.now() - begin;
}

test('a client that is refused and does not close is cut off', async () => {
    const socket = await stubborn(upgrade('wrong'));
    await once(socket, 'end');
    const closed = new Promise(resolve => socket.once('close', resolve));
    // A connection that is no more answers what comes with a reset.
    const timer = setInterval(() => socket.write('?'), 50);
    await closed;
    clearInterval(timer);
}, 10_000);

describe('a shutdown waits for a second at most', () => {
    test('without connections for nothing', async () => {
        expect(await stopMs()).toBeLessThan(500);
    });

    test.each<[string, () => Promise<unknown>]>([
        ['one that says nothing', () => stubborn()],
        ['half a request', () => stubborn('GET /health HTTP/1.1\r\n')],
        ['one that is being refused', () => stubborn(upgrade('wrong'))],
        ['one that was refused', async () => once(await stubborn(upgrade('wrong')), 'end')],
        ['one that is served, and does not close', async () => once(await stubborn(upgrade('right')), 'data')]
    ])(
        'with %s',
        async (_, open) => {
            await open();
            expect(await stopMs()).toBeLessThan(2_000);
        },
        10_000
    );
});
