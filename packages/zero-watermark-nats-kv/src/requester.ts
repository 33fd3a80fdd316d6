import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node';
import { createInbox, nuid, PermissionViolationError } from '@nats-io/transport-node';

/** Why a request has no answer. */
export type RequestFailureKind =
    /** Nobody listens on the subject: the request was not delivered. */
    | 'no-responders'
    /** The server refused to take it from this user: it was not delivered. */
    | 'not-permitted'
    /** No answer within the time given: it may have been delivered. */
    | 'timeout'
    /** The connection was lost meanwhile: it may have been delivered. */
    | 'disconnected'
    /** The connection is closed for good; before the request was sent, or while it was under way. */
    | 'closed';

/** A request without an answer. Never leaves the package: callers turn it into a `WatermarkError`. */
export class RequestFailure extends Error {
    override readonly name = 'RequestFailure';
    readonly kind: RequestFailureKind;
    readonly subject: string;
    /** Whether the server may have got the request all the same. */
    readonly mayHaveArrived: boolean;

    constructor(kind: RequestFailureKind, subject: string, sent = true) {
        super(`${kind}: ${subject}`);
        this.kind = kind;
        this.subject = subject;
        this.mayHaveArrived = sent && kind !== 'no-responders' && kind !== 'not-permitted';
    }
}

/** Publishes one of several messages; `suffix` is what makes its reply subject its own. */
export type PublishOne = (subject: string, payload: Uint8Array, headers: MsgHdrs, suffix: string) => void;

interface Pending {
    readonly subject: string;
    /** Tells the answer from what else comes to the same place. */
    readonly isAnswer: (message: Msg) => boolean;
    readonly sentAt: number;
    readonly expiresAt: number;
    readonly resolve: (message: Msg) => void;
    readonly reject: (failure: RequestFailure) => void;
}

/** How often expired requests are looked for, and so how exact timeouts are, in milliseconds. */
const TICK_MS = 25;

/**
 * Sends requests and pairs the answers, over one subscription, with one timer for all of them.
 *
 * It stands in for the client's own `request()` because that one leaves a request that was under way when the
 * connection broke waiting for its full timeout, which every retry would pay; and because a promise race and a timer a
 * request are most of the cost of a busy client.
 */
export class Requester {
    readonly #nc: NatsConnection;
    readonly #inbox: string;
    readonly #subscription: Subscription;
    readonly #pending = new Map<string, Pending>();
    #next = 0;
    #roundTripMs = Infinity;
    #timer: NodeJS.Timeout | undefined;
    #closed = false;

    constructor(nc: NatsConnection, inboxPrefix: string | undefined) {
        this.#nc = nc;
        this.#inbox = `${createInbox(inboxPrefix)}.`;
        this.#subscription = nc.subscribe(`${this.#inbox}>`, {
            callback: (error, message) => (error === null ? this.#receive(message) : this.#refuseInbox())
        });
    }

    /** The quickest answer since the connection was made; `Infinity`: there was none. */
    get roundTripMs(): number {
        return this.#roundTripMs;
    }

    /** Sends a request; rejects with a {@link RequestFailure} only. */
    request(subject: string, payload: Uint8Array | string, timeoutMs: number, headers?: MsgHdrs): Promise<Msg> {
        return this.#exchange((this.#next++).toString(36), subject, timeoutMs, isAnything, reply =>
            this.#nc.publish(subject, payload, headers === undefined ? { reply } : { reply, headers })
        );
    }

    /** Sends a request that has several answers, up to the one of which `isLast` says so. */
    requestStream(
        subject: string,
        payload: Uint8Array,
        timeoutMs: number,
        isLast: (answer: Msg) => boolean
    ): Promise<Msg> {
        return this.#exchange((this.#next++).toString(36), subject, timeoutMs, isLast, reply =>
            this.#nc.publish(subject, payload, { reply })
        );
    }

    /**
     * Sends several messages that have one answer; rejects with a {@link RequestFailure} only. The answer may come to the
     * reply subject of any of them, and so may other messages, which `isAnswer` tells apart.
     *
     * What their reply subjects begin with ends in a token that no other request of any client has.
     *
     * @param subject of the first message
     */
    requestTogether(
        subject: string,
        timeoutMs: number,
        isAnswer: (message: Msg) => boolean,
        sendAll: (publish: PublishOne) => void
    ): Promise<Msg> {
        return this.#exchange(nuid.next(), subject, timeoutMs, isAnswer, reply =>
            sendAll((to, payload, headers, suffix) => this.#nc.publish(to, payload, { reply: reply + suffix, headers }))
        );
    }

    #exchange(
        token: string,
        subject: string,
        timeoutMs: number,
        isAnswer: (message: Msg) => boolean,
        send: (reply: string) => void
    ): Promise<Msg> {
        return new Promise<Msg>((resolve, reject) => {
            if (this.#closed || this.#nc.isClosed()) {
                reject(new RequestFailure('closed', subject, false));
                return;
            }
            const sentAt = performance.now();
            this.#pending.set(token, { subject, isAnswer, sentAt, expiresAt: sentAt + timeoutMs, resolve, reject });
            this.#timer ??= setInterval(() => this.#expire(), TICK_MS);
            try {
                send(this.#inbox + token);
            } catch {
                // The client throws before it sends anything: closed, draining, or larger than the server takes.
                this.#fail(token, new RequestFailure('closed', subject, false));
            }
        });
    }

    /** Sends a message that nobody answers. */
    publish(subject: string, payload: Uint8Array, headers: MsgHdrs): void {
        if (!this.#closed && !this.#nc.isClosed() && !this.#nc.isDraining()) {
            this.#nc.publish(subject, payload, { headers });
        }
    }

    /** Fails what is under way because its answer can't come any more. */
    connectionLost(): void {
        this.#roundTripMs = Infinity;
        this.#failAll('disconnected');
    }

    /** Fails what was refused: the server says so on the connection, not in an answer. */
    publishRefused(error: PermissionViolationError): void {
        for (const [token, { subject }] of this.#pending) {
            if (subject === error.subject) {
                this.#fail(token, new RequestFailure('not-permitted', subject));
            }
        }
    }

    close(): void {
        this.#closed = true;
        this.#failAll('closed');
        if (!this.#nc.isClosed()) {
            this.#subscription.unsubscribe();
        }
    }

    #receive(message: Msg): void {
        const end = message.subject.indexOf('.', this.#inbox.length);
        const token = message.subject.slice(this.#inbox.length, end === -1 ? undefined : end);
        const pending = this.#pending.get(token);
        if (pending === undefined || !pending.isAnswer(message)) {
            return;
        }
        if (message.data.length === 0 && message.headers?.code === 503) {
            this.#fail(token, new RequestFailure('no-responders', pending.subject));
            return;
        }
        this.#roundTripMs = Math.min(this.#roundTripMs, performance.now() - pending.sentAt);
        this.#remove(token);
        pending.resolve(message);
    }

    #refuseInbox(): void {
        this.#closed = true;
        for (const [token] of this.#pending) {
            this.#fail(token, new RequestFailure('not-permitted', `${this.#inbox}>`));
        }
    }

    #expire(): void {
        const now = performance.now();
        for (const [token, { expiresAt, subject }] of this.#pending) {
            if (expiresAt <= now) {
                this.#fail(token, new RequestFailure('timeout', subject));
            }
        }
    }

    #failAll(kind: RequestFailureKind): void {
        for (const [token, { subject }] of this.#pending) {
            this.#fail(token, new RequestFailure(kind, subject));
        }
    }

    #fail(token: string, failure: RequestFailure): void {
        const pending = this.#pending.get(token);
        this.#remove(token);
        pending?.reject(failure);
    }

    #remove(token: string): void {
        this.#pending.delete(token);
        if (this.#pending.size === 0) {
            clearInterval(this.#timer);
            this.#timer = undefined;
        }
    }
}

function isAnything(): boolean {
    return true;
}
