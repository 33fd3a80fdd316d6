// @ts-check
import { createInbox } from '@nats-io/transport-node';

/** @typedef {import('@nats-io/transport-node').NatsConnection} NatsConnection */
/** @typedef {import('@nats-io/transport-node').Msg} Msg */
/** @typedef {{ resolve: (message: Msg) => void, reject: (error: Error) => void, expiresAt: number }} Pending */

const TIMEOUT_MS = 10_000;
const TICK_MS = 1_000;

/**
 * The least that a client of NATS in JavaScript can do: one wildcard subscription for all answers, a map of what is under
 * way, and one coarse timer for all of it. No retries, no order, no word about what an error means. What it reaches is
 * the practical limit for anything that does more.
 */
export class LeanPublisher {
    #nc;
    #inbox = `${createInbox()}.`;
    /** @type {Map<string, Pending>} */
    #pending = new Map();
    #next = 0;
    #timer;

    /** @param {NatsConnection} nc */
    constructor(nc) {
        this.#nc = nc;
        nc.subscribe(`${this.#inbox}*`, {
            callback: (error, message) => {
                if (error !== null) {
                    throw error;
                }
                const token = message.subject.slice(this.#inbox.length);
                this.#pending.get(token)?.resolve(message);
                this.#pending.delete(token);
            }
        });
        this.#timer = setInterval(() => this.#expire(), TICK_MS).unref();
    }

    /**
     * @param {string} subject
     * @param {Uint8Array | string} payload
     * @returns {Promise<Msg>}
     */
    request(subject, payload) {
        return this.#send(reply => this.#nc.publish(subject, payload, { reply }));
    }

    /**
     * Stores a message.
     *
     * @param {string} subject
     * @param {Uint8Array} payload
     * @returns {Promise<number>} its sequence
     */
    async publish(subject, payload) {
        const { seq, error } = (await this.request(subject, payload)).json();
        if (typeof seq !== 'number') {
            throw new Error(`The message on ${subject} was not stored: ${JSON.stringify(error)}`);
        }
        return seq;
    }

    /**
     * Sends a message to itself: what a server and a client can do that neither store nor compute anything.
     *
     * @param {Uint8Array} payload
     * @returns {Promise<Msg>}
     */
    echo(payload) {
        return this.#send(reply => this.#nc.publish(reply, payload));
    }

    close() {
        clearInterval(this.#timer);
    }

    /**
     * @param {(reply: string) => void} send
     * @returns {Promise<Msg>}
     */
    #send(send) {
        const token = (this.#next++).toString(36);
        return new Promise((resolve, reject) => {
            this.#pending.set(token, { resolve, reject, expiresAt: performance.now() + TIMEOUT_MS });
            send(this.#inbox + token);
        });
    }

    #expire() {
        const now = performance.now();
        for (const [token, { reject, expiresAt }] of this.#pending) {
            if (expiresAt < now) {
                this.#pending.delete(token);
                reject(new Error(`No answer within ${TIMEOUT_MS} ms.`));
            }
        }
    }
}
