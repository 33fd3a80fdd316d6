import type { Socket } from 'node:net';

/** How much may be on its way before the sender has to wait. */
const MOST_QUEUED_BYTES = 16 * 1024 * 1024;

interface Queued {
    /** `undefined`: the sender has no more to say. */
    readonly chunk: Buffer | undefined;
    readonly dueMs: number;
}

/**
 * One direction of one connection. Delivers in order, later if told so, at the pace of the receiver; once it swallows,
 * nothing is delivered any more, because a byte stream with a hole in it is worth nothing.
 */
export class TcpLane {
    readonly #from: Socket;
    readonly #to: Socket;
    readonly #delayMs: () => number;
    readonly #queue: Queued[] = [];
    #queuedBytes = 0;
    #timer: NodeJS.Timeout | undefined;
    #swallows = false;

    /** @param delayMs asked for each chunk that arrives */
    constructor(from: Socket, to: Socket, delayMs: () => number) {
        this.#from = from;
        this.#to = to;
        this.#delayMs = delayMs;
        from.on('data', (chunk: Buffer) => this.#arrived(chunk));
        from.on('end', () => this.#arrived(undefined));
        from.on('close', hadError => this.#closed(hadError));
        to.on('drain', () => this.#adjustPace());
    }

    get swallows(): boolean {
        return this.#swallows;
    }

    /** From now on nothing gets through, also not what is on its way, and not the news that the sender has gone. */
    swallow(): void {
        this.#swallows = true;
        this.#clear();
        this.#adjustPace();
    }

    #arrived(chunk: Buffer | undefined): void {
        if (this.#swallows) {
            return;
        }
        const delayMs = this.#delayMs();
        const last = this.#queue.at(-1);
        if (!last && delayMs === 0) {
            this.#deliver(chunk);
            return;
        }
        this.#queue.push({ chunk, dueMs: Math.max(last?.dueMs ?? 0, performance.now() + delayMs) });
        this.#queuedBytes += chunk?.length ?? 0;
        this.#adjustPace();
        this.#schedule();
    }

    #schedule(): void {
        const next = this.#queue[0];
        if (!next || this.#timer) {
            return;
        }
        const inMs = Math.max(0, Math.ceil(next.dueMs - performance.now()));
        this.#timer = setTimeout(() => this.#deliverDue(), inMs).unref();
    }

    #deliverDue(): void {
        this.#timer = undefined;
        const now = performance.now();
        for (let next = this.#queue[0]; next && next.dueMs <= now; next = this.#queue[0]) {
            this.#queue.shift();
            this.#queuedBytes -= next.chunk?.length ?? 0;
            this.#deliver(next.chunk);
        }
        this.#adjustPace();
        this.#schedule();
    }

    #deliver(chunk: Buffer | undefined): void {
        if (this.#to.destroyed) {
            return;
        }
        if (chunk) {
            this.#to.write(chunk);
            this.#adjustPace();
        } else {
            this.#to.end();
        }
    }

    #adjustPace(): void {
        const full = this.#to.writableNeedDrain || this.#queuedBytes > MOST_QUEUED_BYTES;
        if (full && !this.#swallows) {
            this.#from.pause();
        } else {
            this.#from.resume();
        }
    }

    #closed(hadError: boolean): void {
        if (this.#swallows) {
            return;
        }
        if (hadError) {
            this.#clear();
            reset(this.#to);
        }
    }

    #clear(): void {
        clearTimeout(this.#timer);
        this.#timer = undefined;
        this.#queue.length = 0;
        this.#queuedBytes = 0;
    }
}

/** Ends a connection at once, so that the other side sees it broken (RST) and not ended. */
export function reset(socket: Socket): void {
    if (socket.connecting) {
        socket.destroy();
    } else if (!socket.destroyed) {
        socket.resetAndDestroy();
    }
}
