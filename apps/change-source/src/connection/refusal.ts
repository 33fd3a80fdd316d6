import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** How long a refusal is held: zero-cache asks again at once, for ever. */
const REFUSAL_DELAY_MS = 2_000;

/** How long a client may take to close after its answer. It counts as a connection until then. */
const CLOSING_MS = 1_000;

/** More than so many are refused at once, so that holding them costs little. */
const MOST_HELD = 200;

/** Answers connections that are not served, each after a while, and ends them. */
export class Refusals {
    readonly #delayMs: number;
    readonly #held = new Map<Duplex, () => void>();

    constructor(delayMs: number = REFUSAL_DELAY_MS) {
        this.#delayMs = delayMs;
    }

    /** Answers with a status and a reason, which zero-cache logs. */
    refuse(socket: Duplex, status: number, reason: string): void {
        const answer = () => {
            clearTimeout(timer);
            this.#held.delete(socket);
            socket.end(
                `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\n` +
                    `Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(reason)}\r\n\r\n${reason}`
            );
            setTimeout(() => socket.destroy(), CLOSING_MS).unref();
        };
        const timer = setTimeout(answer, this.#held.size < MOST_HELD ? this.#delayMs : 0);
        this.#held.set(socket, answer);
        socket.on('error', () => {});
        socket.once('close', () => {
            clearTimeout(timer);
            this.#held.delete(socket);
        });
    }

    /** Answers all that are held. */
    close(): void {
        for (const answer of this.#held.values()) {
            answer();
        }
    }
}
