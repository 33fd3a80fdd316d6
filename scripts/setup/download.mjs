// @ts-check
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tls from 'node:tls';

const MAX_REDIRECTS = 5;

/**
 * @typedef {object} DownloadOptions
 * @property {NodeJS.ProcessEnv} [env] HTTPS_PROXY, HTTP_PROXY and NO_PROXY are read from it
 * @property {(received: number, total: number | undefined) => void} [onProgress] bytes
 * @property {number} [silentMs] gives up when nothing has come for so long. Default: 30,000
 * @property {number} [timeoutMs] gives up after that. Default: 600,000
 */

/**
 * Downloads a file and returns its SHA-256 in hex.
 *
 * @param {string} address
 * @param {string} file
 * @param {DownloadOptions} [options]
 */
export async function download(address, file, { env = {}, onProgress, silentMs = 30_000, timeoutMs = 600_000 } = {}) {
    const signal = AbortSignal.timeout(timeoutMs);
    let url = new URL(address);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
        const response = await get(url, { env, silentMs, signal });
        const { statusCode: status = 0, headers } = response;
        if (status >= 300 && status < 400 && headers.location) {
            response.destroy();
            const next = new URL(headers.location, url);
            if (url.protocol === 'https:' && next.protocol !== 'https:') {
                throw new Error(`${url.host} redirects to an address without TLS`);
            }
            url = next;
            continue;
        }
        if (status !== 200) {
            response.destroy();
            throw new Error(`${url.host} answered with status ${status}`);
        }
        const length = Number(headers['content-length']);
        const hash = createHash('sha256');
        let received = 0;
        const meter = new Transform({
            transform(chunk, _encoding, done) {
                received += chunk.length;
                hash.update(chunk);
                onProgress?.(received, length > 0 ? length : undefined);
                done(null, chunk);
            }
        });
        await pipeline(response, meter, createWriteStream(file), { signal }).catch(error => {
            const cut =
                error.code === 'ECONNRESET' ? `${url.host} ended the connection before the end of the file` : '';
            throw cut ? new Error(cut, { cause: error }) : error;
        });
        return hash.digest('hex');
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects`);
}

/**
 * The proxy for an address by the usual variables, or `undefined`.
 *
 * @param {URL} url
 * @param {NodeJS.ProcessEnv} env
 */
export function proxyFor(url, env) {
    const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
    const proxy = env[name] || env[name.toUpperCase()];
    const direct = (env['no_proxy'] || env['NO_PROXY'] || '').split(',').map(entry => entry.trim().toLowerCase());
    const isDirect = direct.some(entry => {
        const domain = entry.replace(/^\*?\./, '');
        return entry === '*' || (domain !== '' && (url.hostname === domain || url.hostname.endsWith(`.${domain}`)));
    });
    return proxy && !isDirect ? new URL(proxy.includes('://') ? proxy : `http://${proxy}`) : undefined;
}

/**
 * @param {URL} url
 * @param {{ env: NodeJS.ProcessEnv, silentMs: number, signal: AbortSignal }} options
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
async function get(url, { env, silentMs, signal }) {
    const proxy = proxyFor(url, env);
    const tunnel = proxy && (await connectThrough(proxy, url, silentMs, signal));
    const secure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
        const connection = tunnel && {
            createConnection: () => (secure ? tls.connect({ socket: tunnel, servername: url.hostname }) : tunnel)
        };
        // An agent would ignore createConnection, and keep the socket after the download.
        const options = { signal, headers: { 'user-agent': 'setup' }, ...(connection ?? { agent: false }) };
        const request = (secure ? https : http).get(url, options, response => {
            stream = response;
            resolve(response);
        });
        /** @type {{ destroy: (reason: Error) => unknown }} the response, once it is there, reports the reason itself */
        let stream = request;
        request.setTimeout(silentMs, () => stream.destroy(new Error(`no data from ${url.host} for ${silentMs} ms`)));
        request.on('error', reject);
    });
}

/**
 * Asks a proxy for a connection to the address's host.
 *
 * @param {URL} proxy
 * @param {URL} url
 * @param {number} silentMs
 * @param {AbortSignal} signal
 * @returns {Promise<import('node:net').Socket>}
 */
function connectThrough(proxy, url, silentMs, signal) {
    const target = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
    const login = [proxy.username, proxy.password].map(decodeURIComponent).join(':');
    const headers = {
        host: target,
        ...(proxy.username && { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` })
    };
    return new Promise((resolve, reject) => {
        if (proxy.protocol !== 'http:') {
            throw new Error(`the proxy ${proxy.host} is of the kind ${proxy.protocol} and only http: is supported`);
        }
        const where = { host: proxy.hostname, port: proxy.port || 80 };
        const request = http.request({ ...where, method: 'CONNECT', path: target, headers, signal, agent: false });
        request.setTimeout(silentMs, () => request.destroy(new Error(`no answer for ${silentMs} ms`)));
        request.on('error', error => reject(new Error(`the proxy ${proxy.host}: ${error.message}`, { cause: error })));
        request.on('connect', (response, socket) => {
            if (response.statusCode === 200) {
                resolve(socket);
            } else {
                socket.destroy();
                reject(new Error(`the proxy ${proxy.host} answered with status ${response.statusCode}`));
            }
        });
        request.end();
    });
}
