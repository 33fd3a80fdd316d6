import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { download, proxyFor } from './download.mjs';
import { listen, temporaryFolder } from './testing.js';

describe('a download', () => {
    const body = 'x'.repeat(100_000);
    const digest = createHash('sha256').update(body).digest('hex');
    const server = http.createServer((request, response) => {
        const routes: Record<string, () => void> = {
            '/file': () => response.end(body),
            '/moved': () => response.writeHead(302, { location: '/file' }).end(),
            '/loop': () => response.writeHead(302, { location: '/loop' }).end(),
            '/cut': () => void response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy()),
            '/silent': () => void response.writeHead(200, { 'content-length': 10 }).write('x')
        };
        (routes[request.url ?? ''] ?? (() => response.writeHead(404).end()))();
    });
    let base = '';
    beforeAll(async () => {
        base = `http://127.0.0.1:${await listen(server)}`;
    });
    afterAll(() => {
        server.closeAllConnections();
        server.close();
    });

    test('follows redirects, tells its progress and gives the checksum', async () => {
        const file = join(temporaryFolder(), 'file');
        const progress: number[] = [];
        const onProgress = (received: number) => void progress.push(received);
        await expect(download(`${base}/moved`, file, { onProgress })).resolves.toBe(digest);
        expect(readFileSync(file, 'utf8')).toBe(body);
        expect(progress.at(-1)).toBe(body.length);
    });

    test.each([
        ['/missing', 'answered with status 404'],
        ['/loop', 'more than 5 redirects'],
        ['/cut', 'ended the connection before the end of the file'],
        ['/silent', 'no data from 127.0.0.1']
    ])('that goes wrong (%s) says how', async (path, reason) => {
        const file = join(temporaryFolder(), 'file');
        await expect(download(`${base}${path}`, file, { silentMs: path === '/silent' ? 200 : 30_000 })).rejects.toThrow(
            reason
        );
    });

    test('goes through the proxy of the environment', async () => {
        const seen: (string | undefined)[] = [];
        const proxy = http.createServer();
        proxy.on('connect', (request, socket) => {
            seen.push(request.url, request.headers['proxy-authorization']);
            if (request.headers['proxy-authorization'] === undefined) {
                socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
                return;
            }
            const upstream = net.connect(Number(new URL(base).port), '127.0.0.1', () => {
                socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
                socket.pipe(upstream).pipe(socket);
            });
            socket.on('error', () => upstream.destroy());
        });
        const port = await listen(proxy);
        onTestFinished(() => void proxy.close());
        const file = join(temporaryFolder(), 'file');
        const env = (login: string) => ({ http_proxy: `http://${login}127.0.0.1:${port}` });
        await expect(download(`${base}/file`, file, { env: env('me:p%40ss@') })).resolves.toBe(digest);
        expect(seen).toEqual([new URL(base).host, `Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
        await expect(download(`${base}/file`, file, { env: env('') })).rejects.toThrow('answered with status 407');
    });

    test('heeds NO_PROXY', () => {
        const url = new URL('https://files.example.org/x');
        const proxy = (NO_PROXY: string) => proxyFor(url, { HTTPS_PROXY: 'proxy.example:3128', NO_PROXY })?.href;
        expect(proxy('')).toBe('http://proxy.example:3128/');
        expect(proxy('example.com,ample.org')).toBe('http://proxy.example:3128/');
        expect(proxy('localhost, .example.org')).toBeUndefined();
        expect(proxy('*')).toBeUndefined();
        expect(proxyFor(url, { HTTP_PROXY: 'http://proxy.example' })).toBeUndefined();
    });
});
