import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { watchLiveness } from './liveness.js';
import { ConnectionGoneError, Outbox } from './outbox.js';

let server: WebSocketServer;
let here: WebSocket;
let there: WebSocket;

beforeEach(async () => {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    there = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    [here] = (await once(server, 'connection')) as [WebSocket];
    await once(there, 'open');
});
afterEach(async () => {
    there.terminate();
    here.terminate();
    const closed = once(server, 'close');
    server.close();
    await closed;
});

describe('the outbox', () => {
    const large = 'x'.repeat(256 * 1024);

    test('waits for a reader that is slow, with little in memory, and loses nothing', async () => {
        const outbox = new Outbox(here);
        there.pause();
        let sent = 0;
        const sending = (async () => {
            for (; sent < 100; sent += 1) {
                await outbox.sendText(large);
            }
        })();
        const seen = { sent: -1 };
        while (seen.sent < sent) {
            seen.sent = sent;
            await new Promise(resolve => setTimeout(resolve, 100));
        }
        expect(sent).toBeLessThan(100);
        expect(here.bufferedAmount).toBeLessThan(2 * 1024 * 1024);
        let received = 0;
        there.on('message', () => (received += 1));
        there.resume();
        await sending;
        here.close();
        await once(there, 'close');
        expect(received).toBe(100);
    });

    test('tells when nobody is there any more, also while it waits', async () => {
        const outbox = new Outbox(here);
        there.pause();
        const sending = (async () => {
            for (;;) {
                await outbox.sendText(large);
            }
        })();
        there.terminate();
        await expect(sending).rejects.toBeInstanceOf(ConnectionGoneError);
        await expect(outbox.sendText('x')).rejects.toBeInstanceOf(ConnectionGoneError);
    });
});

describe('liveness', () => {
    test('a connection that answers stays', async () => {
        watchLiveness(here, { pingIntervalMs: 20, silenceMs: 500 });
        for (let pings = 0; pings < 5; pings += 1) {
            await once(there, 'ping');
        }
        expect(here.readyState).toBe(WebSocket.OPEN);
    });

    test('a connection that says nothing is broken', async () => {
        there.pause();
        watchLiveness(here, { pingIntervalMs: 20, silenceMs: 60 });
        const [code] = (await once(here, 'close')) as [number];
        expect(code).toBe(1006);
    });
});
