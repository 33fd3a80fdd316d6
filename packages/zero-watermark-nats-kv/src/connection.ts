import type { WatermarkLogger } from '@cbnsndwch/zero-contracts';
import { backOff, type Deadline } from '@cbnsndwch/zero-contracts/backend';
import type { NatsConnection, NodeConnectionOptions, Status } from '@nats-io/transport-node';
import { connect, PermissionViolationError, TimeoutError } from '@nats-io/transport-node';

import { streamOfBucket } from './bucket-config.js';
import { fileAuthenticator } from './credentials.js';
import {
    describeAuthentication,
    errorOfRequestFailure,
    finalConnectError,
    isAuthenticationError,
    noServerAnswered
} from './nats-errors.js';
import type { ResolvedConnection, ResolvedNatsKvConfig } from './options.js';
import { Requester, RequestFailure } from './requester.js';

/** A dial that hangs must not eat the whole time that is there for connecting; holds for reconnects too. */
const DIAL_TIMEOUT_MS = 5_000;

/** Draining waits for a server's answer, which one that hangs never gives. */
const DRAIN_TIMEOUT_MS = 2_000;

/** What becomes of a connection: `up` after each reconnect, `down` whenever it is lost. */
export type ConnectionStatus = 'up' | 'down';

/** A connection with what the rest of the package asks of it: requests, and knowing whether it is up. */
export class Connection {
    readonly nc: NatsConnection;
    readonly requester: Requester;
    /** What the subjects that this connection listens on begin with; `undefined`: NATS's own `_INBOX`. */
    readonly inboxPrefix: string | undefined;
    readonly #target: ResolvedConnection;
    readonly #logger: WatermarkLogger;
    readonly #bucket: string;
    readonly #clientStatuses: AsyncIterable<Status>;
    readonly #statusListeners = new Set<(status: ConnectionStatus) => void>();
    /** Ends the wait of everybody who waits for the connection. */
    readonly #waiting = new Set<() => void>();
    #connected = true;
    #closing: Promise<void> | undefined;
    #refusalLogged = false;
    #flowControlLogged = false;
    /** NATS's own default. */
    #maxPayload = 1_048_576;

    private constructor(nc: NatsConnection, { connection, logger, bucket }: ResolvedNatsKvConfig) {
        this.nc = nc;
        this.#target = connection;
        this.#logger = logger;
        this.#bucket = bucket;
        this.inboxPrefix = connection.kind === 'own' ? connection.clientOptions.inboxPrefix : inboxPrefixOf(nc);
        this.requester = new Requester(nc, this.inboxPrefix, inbox => this.#noteRefusedInbox(inbox));
        this.#clientStatuses = nc.status();
        void this.#followStatus();
    }

    /**
     * Connects, or takes over the connection of the application.
     *
     * @throws {WatermarkError} `UNAVAILABLE` when no server answers within the deadline, naming the servers;
     *   `AUTHENTICATION_FAILED` when one answers and refuses.
     */
    static async open(config: ResolvedNatsKvConfig, deadline: Deadline): Promise<Connection> {
        const target = config.connection;
        if (target.kind === 'existing') {
            return new Connection(target.connection, config);
        }
        const options = clientOptions(target, config.logger);
        const reasons = new Set<string>();
        for (let attempt = 0; ; attempt += 1) {
            try {
                return new Connection(await connectWithin(options, deadline), config);
            } catch (error) {
                const final = finalConnectError(error, target);
                if (final !== undefined) {
                    throw final;
                }
                reasons.add(error instanceof Error ? error.message : String(error));
                if (deadline.passed()) {
                    throw noServerAnswered(reasons, target, config.connectTimeoutMs);
                }
            }
            await backOff(attempt, deadline);
        }
    }

    /** The servers, for messages: without credentials, which an address can't hold here. */
    get description(): string {
        return this.#target.kind === 'own' ? this.#target.servers.join(', ') : this.nc.getServer();
    }

    /** The largest message that the server takes, in bytes with its headers; of the last server while there is none. */
    get maxPayload(): number {
        this.#maxPayload = this.nc.info?.max_payload ?? this.#maxPayload;
        return this.#maxPayload;
    }

    /** Whether requests are worth sending: what is published while disconnected is dropped by the client. */
    get connected(): boolean {
        return this.#connected && !this.nc.isClosed();
    }

    /** Whether {@link close} was called, here or on the connection itself. */
    get closed(): boolean {
        return this.#closing !== undefined || this.nc.isClosed();
    }

    /** Resolves when connected, closed, or when the deadline has passed, whichever comes first. */
    async settled(deadline: Deadline): Promise<void> {
        if (this.connected || this.closed) {
            return;
        }
        // No promise that all share: it would keep something of each call until the connection is back.
        await new Promise<void>(resolve => {
            const end = () => {
                clearTimeout(timer);
                this.#waiting.delete(end);
                resolve();
            };
            const timer = setTimeout(end, deadline.remainingMs());
            this.#waiting.add(end);
        });
    }

    /** Calls back when the connection is lost, and after each reconnect, until the returned function is called. */
    onStatus(listener: (status: ConnectionStatus) => void): () => void {
        this.#statusListeners.add(listener);
        return () => this.#statusListeners.delete(listener);
    }

    /**
     * Ends what is under way, and drains the connection if this library made it; on one of the application, nothing of this
     * object is left. Further calls wait for the first.
     */
    close(): Promise<void> {
        this.#closing ??= this.#close();
        return this.#closing;
    }

    async #close(): Promise<void> {
        this.#endWaits();
        this.requester.close();
        stopIterating(this.#clientStatuses);
        if (this.#target.kind === 'existing' || this.nc.isClosed()) {
            return;
        }
        if (this.connected) {
            // What fails while draining is cut off by closing.
            await within(DRAIN_TIMEOUT_MS, this.nc.drain()).catch(() => {});
        }
        await this.nc.close();
    }

    async #followStatus(): Promise<void> {
        for await (const status of this.#clientStatuses) {
            if (status.type === 'disconnect') {
                this.#down();
            } else if (status.type === 'reconnect') {
                this.#up();
            } else if (status.type === 'error') {
                this.#noteError(status.error);
            }
        }
        if (this.#closing !== undefined) {
            return;
        }
        this.#down();
        // A moment passes until the client says that it is closed. A promise of it any earlier could not be taken back.
        await this.nc.closed();
        this.#down();
    }

    #noteError(error: Error): void {
        if (error instanceof PermissionViolationError) {
            this.requester.publishRefused(error);
            this.#noteRefusedFlowControl(error.subject);
        } else if (!this.#connected && !this.#refusalLogged && isAuthenticationError(error)) {
            this.#refusalLogged = true;
            const refused = describeAuthentication(this.#target);
            this.#logger.error(`The NATS server refuses ${refused} since the connection was lost; still trying.`);
        }
    }

    /** No call fails with this one; what is to be read just stops coming, so somebody has to say why. */
    #noteRefusedFlowControl(subject: string): void {
        if (subject.startsWith(`$JS.FC.${streamOfBucket(this.#bucket)}.`) && !this.#flowControlLogged) {
            this.#flowControlLogged = true;
            this.#logger.error(
                `The NATS server does not permit this user to use the subject "${subject}": ` +
                    'without it, getAll and watches of many watermarks stall. docs/security.md lists the subjects that each role needs.'
            );
        }
    }

    #noteRefusedInbox(inbox: string): void {
        const { message } = errorOfRequestFailure(new RequestFailure('inbox-refused', inbox));
        this.#logger.error(`${message} As long as it is refused, calls fail with PERMISSION_DENIED and watches wait.`);
    }

    #down(): void {
        this.#connected = false;
        this.requester.connectionLost();
        if (this.nc.isClosed()) {
            this.#endWaits();
        }
        this.#tell('down');
    }

    #up(): void {
        this.#connected = true;
        this.#refusalLogged = false;
        // The client drops most of what is published while it reconnects; who waits for an answer must ask again.
        this.requester.connectionLost();
        this.requester.reconnected();
        this.#endWaits();
        this.#tell('up');
    }

    #tell(status: ConnectionStatus): void {
        for (const listener of this.#statusListeners) {
            listener(status);
        }
    }

    #endWaits(): void {
        for (const end of this.#waiting) {
            end();
        }
    }
}

/** Ends an iteration over what the client says. Its own packages do it like this, but the type doesn't say so. */
function stopIterating(statuses: AsyncIterable<Status>): void {
    if ('stop' in statuses && typeof statuses.stop === 'function') {
        statuses.stop();
    }
}

/** The client keeps the options of a connection, but its type doesn't say so. */
function inboxPrefixOf(nc: NatsConnection): string | undefined {
    const options: unknown = 'options' in nc ? nc.options : undefined;
    const prefix = typeof options === 'object' && options !== null && 'inboxPrefix' in options && options.inboxPrefix;
    return typeof prefix === 'string' ? prefix : undefined;
}

/** Connects; the client itself keeps to a time for each server and each of its addresses, and not for all of them. */
async function connectWithin(options: NodeConnectionOptions, deadline: Deadline): Promise<NatsConnection> {
    const remaining = Math.max(1, deadline.remainingMs());
    const connecting = connect({ ...options, timeout: DIAL_TIMEOUT_MS });
    try {
        return await within(remaining, connecting);
    } catch (error) {
        connecting.then(
            late => late.close(),
            () => {}
        );
        throw error;
    }
}

async function within<T>(durationMs: number, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new TimeoutError()), durationMs);
    });
    try {
        return await Promise.race([work, late]);
    } finally {
        clearTimeout(timer);
    }
}

function clientOptions(
    target: Extract<ResolvedConnection, { kind: 'own' }>,
    logger: WatermarkLogger
): NodeConnectionOptions {
    const onProblem = (problem: string) =>
        logger.warn(`credentials: ${problem}; the credentials that were read last are used again.`);
    return {
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        reconnectJitterTLS: 500,
        // The client notices a silent partition after two unanswered pings; its default of two minutes each is too late.
        pingInterval: 3_000,
        // A stack trace a request is most of what a request costs; ours say enough without.
        noAsyncTraces: true,
        ...target.clientOptions,
        servers: [...target.servers],
        name: target.name,
        // The client's default gives up after ten attempts, which would leave a service dead until it is restarted.
        maxReconnectAttempts: target.clientOptions.maxReconnectAttempts ?? -1,
        // Credentials may be renewed while a server refuses the old ones.
        ignoreAuthErrorAbort: true,
        ...(target.tls === undefined ? {} : { tls: target.tls }),
        ...(target.token === undefined ? {} : { token: target.token }),
        ...(target.user === undefined ? {} : { user: target.user }),
        ...(target.pass === undefined ? {} : { pass: target.pass }),
        ...(target.credentials === undefined ? {} : { authenticator: fileAuthenticator(target.credentials, onProblem) })
    };
}
