import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import { ResumeTokenService } from '@cbnsndwch/zero-contracts';
import {
    type BeforeApplicationShutdown,
    Inject,
    Injectable,
    Logger,
    type OnApplicationBootstrap
} from '@nestjs/common';
import { v0 } from '@rocicorp/zero/change-protocol/v0';
import { type WebSocket, WebSocketServer } from 'ws';

import {
    CHANGE_SOURCE_OPTIONS,
    type ChangeSourceOptions,
    DEFAULT_HOST,
    DEFAULT_PORT
} from './change-source.options.js';
import { INTAKE } from './connection/intake.js';
import { watchLiveness } from './connection/liveness.js';
import { Refusals } from './connection/refusal.js';
import { Session } from './connection/session.js';
import { SECRET_PARAMETER, SharedSecret } from './protocol/secret.js';
import { BadRequestError, parseStreamRequest, shardIdOf, type StreamRequest } from './protocol/stream-request.js';
import { fingerprintOf, tablesOf, UnknownPublicationError } from './schema/schema.js';
import { UpstreamSource } from './upstream/upstream-source.js';

/** zero-cache sends nothing but short acknowledgements. */
const MAX_MESSAGE_BYTES = 64 * 1024;

/** A zero-cache has one connection. More than so many at once are an attack or a mistake, and are not taken. */
const MOST_CONNECTIONS = 1_000;

/** How long a shutdown waits for the other sides to close. */
const CLOSING_MS = 1_000;

/** WebSocket's code for "I am going away". */
const GOING_AWAY = 1001;

/** Listens for zero-caches: `/changes/v0/stream` over WebSocket; `GET /health` says that the process serves. */
@Injectable()
export class ChangeSourceServer implements OnApplicationBootstrap, BeforeApplicationShutdown {
    readonly #options: ChangeSourceOptions;
    readonly #source: UpstreamSource;
    readonly #resumeTokens: ResumeTokenService;
    readonly #secret: SharedSecret;
    readonly #logger = new Logger('ChangeSource');
    readonly #http = createServer((request, response) => answerHttp(request, response));
    readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
    readonly #refusals = new Refusals();
    /** All connections: Node knows only those that are within a request. */
    readonly #sockets = new Set<Socket>();
    readonly #orderFailures = new Map<string, string>();

    constructor(
        @Inject(CHANGE_SOURCE_OPTIONS) options: ChangeSourceOptions,
        @Inject(UpstreamSource) source: UpstreamSource,
        @Inject(ResumeTokenService) resumeTokens: ResumeTokenService,
        @Inject(SharedSecret) secret: SharedSecret
    ) {
        this.#options = options;
        this.#source = source;
        this.#resumeTokens = resumeTokens;
        this.#secret = secret;
        this.#http.maxConnections = MOST_CONNECTIONS;
        this.#http.on('connection', socket => {
            this.#sockets.add(socket);
            socket.once('close', () => this.#sockets.delete(socket));
        });
        this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    }

    /** Where it listens, once the application is up. */
    get url(): string {
        const { address, port, family } = this.#http.address() as AddressInfo;
        return `ws://${family === 'IPv6' ? `[${address}]` : address}:${port}${v0.CHANGE_SOURCE_PATH}`;
    }

    async onApplicationBootstrap(): Promise<void> {
        const { host = DEFAULT_HOST, port = DEFAULT_PORT } = this.#options;
        this.#http.listen(port, host);
        await once(this.#http, 'listening');
        this.#logger.log(`listens on ${this.url}`);
        if (this.#secret.isMissing && !['127.0.0.1', '::1', 'localhost'].includes(host)) {
            this.#logger.warn('serves everybody who reaches it: no secret is set.');
        }
    }

    /**
     * Sends zero-caches away, so that they go on at another instance, while watermarks can still be stored; whoever has not
     * closed after a second is cut off.
     */
    async beforeApplicationShutdown(): Promise<void> {
        const closed = once(this.#http, 'close');
        this.#http.close();
        this.#refusals.close();
        for (const socket of this.#webSockets.clients) {
            socket.close(GOING_AWAY, 'this change source stops');
        }
        const timer = setTimeout(() => this.#sockets.forEach(socket => socket.destroy()), CLOSING_MS);
        await closed;
        clearTimeout(timer);
    }

    #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
        const [path, query] = (request.url ?? '').split('?', 2);
        const parameters = new URLSearchParams(query);
        if (path !== v0.CHANGE_SOURCE_PATH) {
            this.#refuse(socket, 404, `only ${v0.CHANGE_SOURCE_PATH} is served`);
            return;
        }
        // A page in somebody's browser may connect to any port that the browser reaches; zero-cache is no browser.
        if (request.headers.origin !== undefined) {
            this.#refuse(socket, 403, 'browsers are not served');
            return;
        }
        if (!this.#secret.isRight(parameters.get(SECRET_PARAMETER))) {
            this.#refuse(socket, 401, `the parameter "${SECRET_PARAMETER}" of the URL is missing or wrong`);
            return;
        }
        try {
            const wanted = parseStreamRequest(parameters);
            const tables = tablesOf(this.#options.schema, wanted.publications);
            this.#webSockets.handleUpgrade(request, socket, head, webSocket => this.#serve(wanted, tables, webSocket));
        } catch (error) {
            if (!(error instanceof BadRequestError || error instanceof UnknownPublicationError)) {
                throw error;
            }
            this.#refuse(socket, 400, error.message);
        }
    }

    #serve(request: StreamRequest, tables: ReturnType<typeof tablesOf>, socket: WebSocket): void {
        const shardId = shardIdOf(request);
        socket.on('error', error => this.#logger.warn(`zero-cache ${shardId}: ${error.message}`));
        watchLiveness(socket);
        const services = {
            source: this.#source,
            resumeTokens: this.#resumeTokens,
            orderFailures: this.#orderFailures
        };
        const subject = { request, shardId, tables, fingerprint: fingerprintOf(tables) };
        const intake = { ...INTAKE, idleMs: this.#options.idleMs ?? INTAKE.idleMs };
        void new Session({ ...services, ...subject, intake }, socket, this.#logger).run();
    }

    #refuse(socket: Duplex, status: number, reason: string): void {
        this.#logger.warn(`a connection is refused: ${reason}`);
        this.#refusals.refuse(socket, status, reason);
    }
}

function answerHttp(request: IncomingMessage, response: ServerResponse): void {
    const isHealth = request.method === 'GET' && request.url === '/health';
    response.writeHead(isHealth ? 200 : 404, { 'content-type': 'text/plain' });
    response.end(isHealth ? 'ok\n' : 'not found\n');
}
