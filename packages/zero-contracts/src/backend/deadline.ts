import { setTimeout as sleep } from 'node:timers/promises';

/** The moment by which a call must have an answer, on the monotonic clock of this process. */
export class Deadline {
    readonly #at: number;

    private constructor(at: number) {
        this.#at = at;
    }

    static in(durationMs: number): Deadline {
        return new Deadline(performance.now() + durationMs);
    }

    /** The later of two. */
    static later(a: Deadline, b: Deadline): Deadline {
        return a.#at >= b.#at ? a : b;
    }

    /** The earlier of two. */
    static earlier(a: Deadline, b: Deadline): Deadline {
        return a.#at <= b.#at ? a : b;
    }

    /** Milliseconds left; never negative. */
    remainingMs(): number {
        return Math.max(0, this.#at - performance.now());
    }

    passed(): boolean {
        return this.remainingMs() === 0;
    }
}

/** How long {@link backOff} waits. */
export interface BackOffOptions {
    /**
     * The longest first wait, in milliseconds; it doubles with each attempt.
     *
     * @default 20
     */
    readonly firstMs?: number;
    /**
     * The longest wait at all, in milliseconds.
     *
     * @default 1_000
     */
    readonly mostMs?: number;
    /** @default Math.random */
    readonly random?: () => number;
}

/** Waits before the next attempt: twice as long each time, with jitter, never beyond the deadline. */
export async function backOff(attempt: number, deadline: Deadline, options: BackOffOptions = {}): Promise<void> {
    const { firstMs = 20, mostMs = 1_000, random = Math.random } = options;
    const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(attempt, 10));
    await sleep(Math.min(deadline.remainingMs(), ceiling * (0.5 + random() / 2)));
}
