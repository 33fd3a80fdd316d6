import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startTcpProxy } from './tcp-proxy.js';
import type { TcpProxy } from './tcp-proxy.js';

let upstream: Server;
let proxy: TcpProxy;
/** What the server heard, and the connections that it holds. */
let heard: string;
const held = new Set<Socket>();
const clients: Socket[] = [];

beforeEach(async () => {
    heard = '';
    upstream = createServer(socket => {
        held.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => held.delete(socket));
        socket.on('data', chunk => {
            heard += chunk.toString();
            socket.write(chunk);
        });
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    proxy = await startTcpProxy({ target: { port: (upstream.address() as AddressInfo).port } });
});

afterEach(async () => {
    clients.splice(0).forEach(client => client.destroy());
    await proxy.stop();
    held.forEach(socket => socket.destroy());
    await new Promise(resolve => upstream.close(resolve));
});

interface Client {
    readonly socket: Socket;
    received(): string;
    readonly closed: Promise<string | undefined>;
}

async function client(port = proxy.port): Promise<Client> {
    const made = newClient(port);
    await once(made.socket, 'connect');
    return made;
}

function newClient(port: number): Client {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    clients.push(socket);
    let text = '';
    let error: string | undefined;
    socket.on('data', chunk => (text += chunk.toString()));
    socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code));
    const closed = new Promise<string | undefined>(resolve => socket.on('close', () => resolve(error)));
    return { socket, received: () => text, closed };
}

async function echo(on: Client, text: string): Promise<void> {
    on.socket.write(text);
    await vi.waitFor(() => expect(on.received().endsWith(text)).toBe(true), 20_000);
}

test('passes bytes and ends through, and counts connections', async () => {
    const one = await client();
    const two = await client();
    await echo(one, 'hello');
    await echo(two, 'world');
    expect(proxy.connections).toBe(2);
    expect(proxy.url).toBe(`nats://127.0.0.1:${proxy.port}`);
    one.socket.end();
    expect(await one.closed).toBeUndefined();
    await vi.waitFor(() => expect(proxy.connections).toBe(1), 20_000);
});

test('passes more than the buffers hold, unchanged', async () => {
    const one = await client();
    const text = 'x'.repeat(999).concat('\n').repeat(40_000);
    proxy.delay(1, 1);
    await echo(one, text);
    expect(one.received()).toBe(text);
});

test('a server that is not there is a broken connection', async () => {
    await proxy.stop();
    const { port } = upstream.address() as AddressInfo;
    await new Promise(resolve => upstream.close(resolve));
    proxy = await startTcpProxy({ target: { port } });
    expect(await newClient(proxy.port).closed).toBe('ECONNRESET');
    upstream = createServer().listen(0);
});

test('cut breaks every connection and each new one, until heal', async () => {
    const one = await client();
    await echo(one, 'hello');
    proxy.cut();
    expect(await one.closed).toBe('ECONNRESET');
    expect(await newClient(proxy.port).closed).toBe('ECONNRESET');
    await vi.waitFor(() => expect(held.size).toBe(0), 20_000);
    proxy.heal();
    await echo(await client(), 'again');
});

test('blackhole keeps connections open and silent both ways; heal breaks what lost something', async () => {
    const one = await client();
    await echo(one, 'hello');
    proxy.blackhole();
    const two = await client();
    one.socket.write('lost');
    two.socket.write('lost');
    const [server] = held;
    server?.write('lost too');
    // Round trips beside the proxy show that there was time enough for everything to arrive.
    const beside = await client((upstream.address() as AddressInfo).port);
    for (const word of ['a', 'b', 'c', 'd']) {
        await echo(beside, word);
    }
    expect(one.socket.closed || two.socket.closed).toBe(false);
    expect(one.received() + two.received()).toBe('hello');
    expect(heard).toBe('helloabcd');
    proxy.heal();
    expect(await one.closed).toBe('ECONNRESET');
    expect(await two.closed).toBe('ECONNRESET');
    await echo(await client(), 'again');
    expect(heard).toBe('helloabcdagain');
});

test('in a blackhole a side that hangs up is not missed by the other', async () => {
    const one = await client();
    await echo(one, 'hello');
    proxy.blackhole();
    one.socket.destroy();
    await vi.waitFor(() => expect(proxy.connections).toBe(0), 20_000);
    expect(held.size).toBe(1);
    proxy.heal();
    await vi.waitFor(() => expect(held.size).toBe(0), 20_000);
});

test('dropAnswers delivers what clients say and nothing of what the server says', async () => {
    const one = await client();
    await echo(one, 'hello');
    proxy.dropAnswers();
    one.socket.write(' and more');
    await vi.waitFor(() => expect(heard).toBe('hello and more'), 20_000);
    proxy.heal();
    expect(await one.closed).toBe('ECONNRESET');
    expect(one.received()).toBe('hello');
    await echo(await client(), 'again');
});

test('connections made while nothing was wrong survive heal', async () => {
    const one = await client();
    await echo(one, 'hello');
    proxy.delay(5);
    proxy.heal();
    await echo(one, 'still there');
});

test('delay delivers in order, no earlier than said, in each direction', async () => {
    const one = await client();
    await echo(one, 'start');
    proxy.delay(40, 40);
    const started = performance.now();
    const words = Array.from({ length: 50 }, (_, index) => `${index};`);
    words.forEach(word => one.socket.write(word));
    await vi.waitFor(() => expect(one.received()).toBe(`start${words.join('')}`), 20_000);
    expect(performance.now() - started).toBeGreaterThanOrEqual(80);
    one.socket.end('bye');
    expect(await one.closed).toBeUndefined();
    expect(one.received().endsWith('bye')).toBe(true);
});

test('delay refuses what is no time', () => {
    expect(() => proxy.delay(-1)).toThrow('latencyMs must be a number of milliseconds');
    expect(() => proxy.delay(1, Number.NaN)).toThrow('jitterMs must be a number of milliseconds');
});

test('stop breaks connections and gives the port back; more than once, and by disposal', async () => {
    const one = await client();
    await echo(one, 'hello');
    const { port } = proxy;
    await Promise.all([proxy.stop(), proxy.stop()]);
    expect(await one.closed).toBe('ECONNRESET');
    await expect(client()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    {
        await using same = await startTcpProxy({ target: { port }, port });
        expect(same.port).toBe(port);
    }
    await expect(startTcpProxy({ target: { port }, port }).then(again => again.stop())).resolves.toBeUndefined();
});
