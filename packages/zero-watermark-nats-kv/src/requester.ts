import type { Msg, MsgHdrs, NatsConnection, PublishOptions, Subscription } from '@nats-io/transport-node';
import { createInbox, nuid, PermissionViolationError } from '@nats-io/transport-node';

/** Why a request has no answer. */
export type RequestFailureKind =
    /** Nobody listens on the subject: the request was not delivered. */
    | 'no-responders'
    /** The server refused to take it from this user: it was not delivered. */
    | 'not-permitted'
    /** The server refuses to send answers to this user: what was sent before it said so may have been delivered. */
    | 'inbox-refused'
    /** It is larger than the server takes: it was not delivered, but what was sent before it may have been. */
    | 'too-large'
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
    /** What the server takes, and what it was to take; of messages that are `too-large`. */
    readonly sizes: MessageSizes | undefined;

    constructor(kind: RequestFailureKind, subject: string, sent = true, sizes?: MessageSizes) {
        super(`${kind}: ${subject}`);
        this.kind = kind;
        this.subject = subject;
        this.sizes = sizes;
        this.mayHaveArrived = sent && kind !== 'no-responders' && kind !== 'not-permitted';
    }

    /** Whether asking again may help. */
    get mayPass(): boolean {
        return this.kind === 'no-responders' || this.kind === 'timeout' || this.kind === 'disconnected';
    }
}

/** Of a message that is too large, without its headers, which count as well. */
export interface MessageSizes {
    readonly bytes: number;
    readonly mostBytes: number | undefined;
}

/** Publishes one of several messages; `suffix` is what makes its reply subject its own. */
export type PublishOne = (subject: string, payload: Uint8Array, headers: MsgHdrs, suffix: string) => void;

/** Sends a request to have its answer at a reply subject; throws a {@link RequestFailure}. */
type Send = (reply: string) => void;

interface Pending {
    readonly subject: string;
    /** Tells the answer from what else comes to the same place. */
    readonly isAnswer: (message: Msg) => boolean;
    readonly sentAt: number;
    readonly expiresAt: number;
    /** Still to be called, once it is known that the answer can come. What is sent is not kept: it would burden the collector. */
    send: Send | undefined;
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
    readonly #onInboxRefused: (subject: string) => void;
    #subscription: Subscription;
    /** `opening`: the server has not yet had the time to refuse it again. */
    #inboxStatus: 'open' | 'refused' | 'opening' = 'open';
    #isRefusalTold = false;
    readonly #pending = new Map<string, Pending>();
    #next = 0;
    #roundTripMs = Infinity;
    #timer: NodeJS.Timeout | undefined;
    #closed = false;

    /** @param onInboxRefused told that the server refuses to send answers to this user: once, until it has permitted it */
    constructor(
        nc: NatsConnection,
        inboxPrefix: string | undefined,
        onInboxRefused: (subject: string) => void = () => {}
    ) {
        this.#nc = nc;
        this.#inbox = `${createInbox(inboxPrefix)}.`;
        this.#onInboxRefused = onInboxRefused;
        this.#subscription = this.#subscribe();
    }

    /** The quickest answer since the connection was made; `Infinity`: there was none. */
    get roundTripMs(): number {
        return this.#roundTripMs;
    }

    /** Sends a request; rejects with a {@link RequestFailure} only. */
    request(subject: string, payload: Uint8Array | string, timeoutMs: number, headers?: MsgHdrs): Promise<Msg> {
        return this.#exchange((this.#next++).toString(36), subject, timeoutMs, isAnything, reply =>
            this.#publish(subject, payload, headers === undefined ? { reply } : { reply, headers })
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
            this.#publish(subject, payload, { reply })
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
        return this.#exchange(nuid.next(), subject, timeoutMs, isAnswer, reply => {
            let anySent = false;
            sendAll((to, payload, headers, suffix) => {
                this.#publish(to, payload, { reply: reply + suffix, headers }, anySent);
                anySent = true;
            });
        });
    }

    #exchange(
        token: string,
        subject: string,
        timeoutMs: number,
        isAnswer: (message: Msg) => boolean,
        send: Send
    ): Promise<Msg> {
        return new Promise<Msg>((resolve, reject) => {
            if (this.#closed || this.#nc.isClosed()) {
                reject(new RequestFailure('closed', subject, false));
                return;
            }
            const sentAt = performance.now();
            const expiresAt = sentAt + timeoutMs;
            const isOpen = this.#inboxStatus === 'open';
            const unsent = isOpen ? undefined : send;
            this.#pending.set(token, { subject, isAnswer, sentAt, expiresAt, send: unsent, resolve, reject });
            this.#timer ??= setInterval(() => this.#expire(), TICK_MS);
            if (isOpen) {
                this.#send(token, subject, send);
            } else {
                this.#openInbox();
            }
        });
    }

    #send(token: string, subject: string, send: Send): void {
        try {
            send(this.#inbox + token);
        } catch (error) {
            this.#fail(token, error instanceof RequestFailure ? error : new RequestFailure('closed', subject, false));
        }
    }

    /** @throws {RequestFailure} `too-large`, `closed`: nothing of it was sent */
    #publish(subject: string, payload: Uint8Array | string, options: PublishOptions, anySentBefore = false): void {
        try {
            this.#nc.publish(subject, payload, options);
        } catch {
            // The client throws before it sends anything: closed, draining, or larger than the server takes.
            if (this.#nc.isClosed() || this.#nc.isDraining()) {
                throw new RequestFailure('closed', subject, anySentBefore);
            }
            const sizes = { bytes: Buffer.byteLength(payload), mostBytes: this.#nc.info?.max_payload };
            throw new RequestFailure('too-large', subject, anySentBefore, sizes);
        }
    }

    /**
     * Sends a message that nobody answers.
     *
     * @throws {RequestFailure} `too-large`
     */
    publish(subject: string, payload: Uint8Array, headers: MsgHdrs): void {
        if (!this.#closed && !this.#nc.isClosed() && !this.#nc.isDraining()) {
            this.#publish(subject, payload, { headers });
        }
    }

    /** Fails what is under way because its answer can't come any more. */
    connectionLost(): void {
        this.#roundTripMs = Infinity;
        this.#failAll('disconnected');
    }

    /** Tries again, at the server that the client has found, whether answers can come. */
    reconnected(): void {
        if (this.#inboxStatus !== 'open' && !this.#closed) {
            this.#openInbox();
        }
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

    #subscribe(): Subscription {
        return this.#nc.subscribe(`${this.#inbox}>`, {
            callback: (error, message) => (error === null ? this.#receive(message) : this.#refuseInbox())
        });
    }

    /** The client gives up a subscription that is refused, at any time; a new one may be permitted. */
    #refuseInbox(): void {
        this.#inboxStatus = 'refused';
        for (const [token, { send }] of this.#pending) {
            this.#fail(token, new RequestFailure('inbox-refused', `${this.#inbox}>`, send === undefined));
        }
        if (!this.#isRefusalTold) {
            this.#isRefusalTold = true;
            this.#onInboxRefused(`${this.#inbox}>`);
        }
    }

    /** Subscribes again, and then sends what waits for that: a write without an inbox would be stored without a word. */
    #openInbox(): void {
        if (this.#inboxStatus === 'opening') {
            return;
        }
        this.#inboxStatus = 'opening';
        try {
            this.#subscription.unsubscribe();
            this.#subscription = this.#subscribe();
        } catch {
            // The client refuses when it is closed or draining, for good.
            this.#inboxStatus = 'refused';
            this.#failAll('closed');
            return;
        }
        // The server answers in order: had it refused the subscription, that would have come before.
        const subscription = this.#subscription;
        this.#nc.flush().then(
            () => this.#inboxAnswered(subscription, 'open'),
            // The connection was lost meanwhile, and with it all that waits.
            () => this.#inboxAnswered(subscription, 'refused')
        );
    }

    #inboxAnswered(subscription: Subscription, status: 'open' | 'refused'): void {
        if (this.#inboxStatus !== 'opening' || this.#subscription !== subscription) {
            return;
        }
        this.#inboxStatus = status;
        if (status === 'open') {
            this.#isRefusalTold = false;
            for (const [token, pending] of this.#pending) {
                const { subject, send } = pending;
                pending.send = undefined;
                if (send !== undefined) {
                    this.#send(token, subject, send);
                }
            }
        }
    }

    #expire(): void {
        const now = performance.now();
        for (const [token, { expiresAt, subject, send }] of this.#pending) {
            if (expiresAt <= now) {
                this.#fail(token, new RequestFailure('timeout', subject, send === undefined));
            }
        }
    }

    #failAll(kind: RequestFailureKind): void {
        for (const [token, { subject, send }] of this.#pending) {
            this.#fail(token, new RequestFailure(kind, subject, send === undefined));
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
