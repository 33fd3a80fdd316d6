import type { WebSocket } from 'ws';

/** How a connection is watched. */
export interface LivenessOptions {
    /** How often the other side is asked for a sign of life. @default 20_000 */
    readonly pingIntervalMs: number;
    /**
     * Silence after which the other side is taken for gone. A zero-cache that works off a backlog reads nothing, and so
     * answers no ping, but sends one of its own every 30 seconds.
     *
     * @default 75_000
     */
    readonly silenceMs: number;
}

export const LIVENESS: LivenessOptions = { pingIntervalMs: 20_000, silenceMs: 75_000 };

/** Asks for signs of life until the connection closes, and breaks it when none comes. */
export function watchLiveness(socket: WebSocket, { pingIntervalMs, silenceMs }: LivenessOptions = LIVENESS): void {
    let heardAt = performance.now();
    const heard = () => (heardAt = performance.now());
    for (const sign of ['message', 'ping', 'pong'] as const) {
        socket.on(sign, heard);
    }
    const timer = setInterval(() => {
        if (performance.now() - heardAt > silenceMs) {
            socket.terminate();
        } else if (socket.readyState === socket.OPEN) {
            socket.ping();
        }
    }, pingIntervalMs);
    socket.once('close', () => clearInterval(timer));
}
