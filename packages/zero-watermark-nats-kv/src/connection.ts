import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import type { NatsConnection, NodeConnectionOptions } from '@nats-io/transport-node';
import { connect, PermissionViolationError } from '@nats-io/transport-node';

import { fileAuthenticator } from './credentials.js';
import { backOff, Deadline } from './deadline.js';
import { describeAuthentication, isAuthenticationError, isTlsError } from './nats-errors.js';
import type { ResolvedConnection, ResolvedNatsKvConfig } from './options.js';
import { Requester } from './requester.js';

/** A dial that hangs must not eat the whole time that is there for connecting. */
const DIAL_TIMEOUT_MS = 5_000;

/** A connection with what the rest of the package asks of it: requests, and knowing whether it is up. */
export class Connection {
    readonly nc: NatsConnection;
    readonly requester: Requester;
    /** What the subjects that this connection listens on begin with; `undefined`: NATS's own `_INBOX`. */
    readonly inboxPrefix: string | undefined;
    readonly #owned: boolean;
    readonly #description: string;
    readonly #reconnectListeners = new Set<() => void>();
    #connected = true;
    #closing = false;
    #wakeUp: (() => void) | undefined;
    #whenUp: Promise<void> | undefined;

    private constructor(nc: NatsConnection, owned: boolean, description: string, inboxPrefix: string | undefined) {
        this.nc = nc;
        this.#owned = owned;
        this.#description = description;
        this.inboxPrefix = inboxPrefix;
        this.requester = new Requester(nc, inboxPrefix);
        void this.#followStatus();
        void nc.closed().then(() => this.#down());
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
            const nc = target.connection;
            return new Connection(nc, false, nc.getServer(), inboxPrefixOf(nc));
        }
        const options = clientOptions(target);
        for (let attempt = 0; ; attempt += 1) {
            try {
                const timeout = Math.max(1, Math.min(DIAL_TIMEOUT_MS, deadline.remainingMs()));
                const nc = await connect({ ...options, timeout });
                return new Connection(nc, true, target.servers.join(', '), options.inboxPrefix);
            } catch (error) {
                throwIfFinal(error, target, config.connectTimeoutMs, deadline);
            }
            await backOff(attempt, deadline);
        }
    }

    /** The servers, for messages: without credentials, which an address can't hold here. */
    get description(): string {
        return this.#description;
    }

    /** Whether requests are worth sending: what is published while disconnected is dropped by the client. */
    get connected(): boolean {
        return this.#connected && !this.nc.isClosed();
    }

    /** Whether {@link close} was called, here or on the connection itself. */
    get closed(): boolean {
        return this.#closing || this.nc.isClosed();
    }

    /** Resolves when connected, closed, or when the deadline has passed, whichever comes first. */
    async settled(deadline: Deadline): Promise<void> {
        if (this.connected || this.closed) {
            return;
        }
        this.#whenUp ??= new Promise(resolve => (this.#wakeUp = resolve));
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<void>(resolve => (timer = setTimeout(resolve, deadline.remainingMs())));
        await Promise.race([this.#whenUp, late]);
        clearTimeout(timer);
    }

    /** Calls back after each reconnect, until the returned function is called. */
    onReconnect(listener: () => void): () => void {
        this.#reconnectListeners.add(listener);
        return () => this.#reconnectListeners.delete(listener);
    }

    /** Ends what is under way, and drains the connection if this library made it. */
    async close(): Promise<void> {
        this.#closing = true;
        this.#resolveWaiting();
        this.requester.close();
        if (this.#owned && !this.nc.isClosed()) {
            await (this.connected ? this.nc.drain() : this.nc.close());
        }
    }

    async #followStatus(): Promise<void> {
        for await (const status of this.nc.status()) {
            if (status.type === 'disconnect') {
                this.#down();
            } else if (status.type === 'reconnect') {
                this.#up();
            } else if (status.type === 'error' && status.error instanceof PermissionViolationError) {
                this.requester.publishRefused(status.error);
            }
        }
        this.#down();
    }

    #down(): void {
        this.#connected = false;
        this.requester.connectionLost();
        if (this.nc.isClosed()) {
            this.#resolveWaiting();
        }
    }

    #up(): void {
        this.#connected = true;
        this.#resolveWaiting();
        for (const listener of this.#reconnectListeners) {
            listener();
        }
    }

    #resolveWaiting(): void {
        this.#wakeUp?.();
        this.#wakeUp = undefined;
        this.#whenUp = undefined;
    }
}

/** The client keeps the options of a connection, but its type doesn't say so. */
function inboxPrefixOf(nc: NatsConnection): string | undefined {
    const options: unknown = 'options' in nc ? nc.options : undefined;
    const prefix = typeof options === 'object' && options !== null && 'inboxPrefix' in options && options.inboxPrefix;
    return typeof prefix === 'string' ? prefix : undefined;
}

function clientOptions(target: Extract<ResolvedConnection, { kind: 'own' }>): NodeConnectionOptions {
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
        ...(target.credentials === undefined ? {} : { authenticator: fileAuthenticator(target.credentials) })
    };
}

function throwIfFinal(
    error: unknown,
    target: Extract<ResolvedConnection, { kind: 'own' }>,
    connectTimeoutMs: number,
    deadline: Deadline
): void {
    const servers = target.servers.join(', ');
    if (isAuthenticationError(error)) {
        throw new WatermarkError(
            WatermarkErrorCode.AUTHENTICATION_FAILED,
            `The NATS server (${servers}) refused ${describeAuthentication(target)}.`,
            { remediation: 'Check that the user exists on this server and that the secret is the current one.' }
        );
    }
    if (isTlsError(error)) {
        throw new WatermarkError(
            WatermarkErrorCode.UNAVAILABLE,
            `No secure connection to the NATS server (${servers}) could be made: ${error.message}.`,
            { remediation: 'Check the tls options (caFile, certFile, keyFile) and the name in the certificate.' }
        );
    }
    if (deadline.passed()) {
        const reason = error instanceof Error && error.message !== '' ? error.message : 'no answer';
        throw new WatermarkError(
            WatermarkErrorCode.UNAVAILABLE,
            `No NATS server answered within ${connectTimeoutMs} ms at ${servers} (${reason}).`,
            { remediation: 'Check the addresses, and that the servers run and can be reached from here.' }
        );
    }
}
