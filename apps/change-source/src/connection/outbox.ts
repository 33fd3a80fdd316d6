import type { v0 } from '@rocicorp/zero/change-protocol/v0';
import type { WebSocket } from 'ws';

/** So many bytes may wait in a socket before the source waits for them to leave. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** The connection is gone: there is nobody to send to. */
export class ConnectionGoneError extends Error {
    override readonly name = 'ConnectionGoneError';
}

/** Sends messages no faster than they are read at the other end. */
export class Outbox {
    readonly #socket: WebSocket;
    #sentInTurn = 0;

    constructor(socket: WebSocket) {
        this.#socket = socket;
    }

    /**
     * Resolves when there is room for more.
     *
     * @throws {ConnectionGoneError}
     */
    send(message: v0.ChangeStreamMessage): Promise<void> {
        return this.sendText(JSON.stringify(message));
    }

    /** The same for a message that is JSON already. */
    async sendText(text: string): Promise<void> {
        const socket = this.#socket;
        if (this.#sentInTurn >= HIGH_WATER_BYTES) {
            // A system that takes everything at once would never let Node see that the connection has ended.
            await new Promise(resolve => setImmediate(resolve));
            this.#sentInTurn = 0;
        }
        if (socket.readyState !== socket.OPEN) {
            throw new ConnectionGoneError('zero-cache has closed the connection');
        }
        this.#sentInTurn += text.length;
        if (socket.bufferedAmount < HIGH_WATER_BYTES) {
            socket.send(text, () => {});
            return;
        }
        await new Promise<void>((resolve, reject) => {
            socket.send(text, error =>
                error ? reject(new ConnectionGoneError('zero-cache has closed the connection')) : resolve()
            );
        });
    }
}
