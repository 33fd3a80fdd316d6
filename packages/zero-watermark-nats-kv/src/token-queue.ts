import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

import type { Deadline } from './deadline.js';
import type { NewToken, Placement } from './token-log.js';

/** How many tokens one write takes at the most, and about how many bytes of them. */
const MAX_GROUP = 1_000;
const MAX_GROUP_BYTES = 4 * 1024 * 1024;

interface Waiting {
    readonly token: NewToken;
    readonly deadline: Deadline;
    readonly resolve: (placement: Placement) => void;
    readonly reject: (error: unknown) => void;
}

/** Places a group of tokens, in order; enters in `found` what it has placed, also when it fails after that. */
export type PlaceTokens = (
    tokens: readonly NewToken[],
    found: Map<string, Placement>,
    deadline: Deadline
) => Promise<void>;

/**
 * Keeps the tokens of one shard in the order of the calls: one write is in flight, and what arrives meanwhile forms the
 * next one.
 *
 * A write that fails for good fails everything that waits behind it. Otherwise the next token could be stored below the
 * failed one, which its caller will try again, and zero-cache would lose it without a word (seen with zero-cache 1.9).
 */
export class TokenQueue {
    readonly #place: PlaceTokens;
    #waiting: Waiting[] = [];
    #running = false;

    constructor(place: PlaceTokens) {
        this.#place = place;
    }

    add(token: NewToken, deadline: Deadline): Promise<Placement> {
        return new Promise((resolve, reject) => {
            this.#waiting.push({ token, deadline, resolve, reject });
            if (!this.#running) {
                this.#running = true;
                // What the caller adds in the same turn goes into the same write.
                queueMicrotask(() => void this.#run());
            }
        });
    }

    async #run(): Promise<void> {
        while (this.#waiting.length > 0) {
            await this.#placeGroup(this.#takeGroup());
        }
        this.#running = false;
    }

    #takeGroup(): Waiting[] {
        let bytes = 0;
        const tooMuch = this.#waiting.findIndex(({ token }, index) => {
            bytes += token.entry.payload.length;
            return index > 0 && (index >= MAX_GROUP || bytes > MAX_GROUP_BYTES);
        });
        return this.#waiting.splice(0, tooMuch === -1 ? this.#waiting.length : tooMuch);
    }

    async #placeGroup(group: readonly Waiting[]): Promise<void> {
        const found = new Map<string, Placement>();
        const tokens = new Map(group.map(({ token }) => [token.key, token]));
        const deadline = group.reduce(
            (earliest, { deadline: other }) => earliestOf(earliest, other),
            group[0]?.deadline
        );
        try {
            if (deadline !== undefined) {
                await this.#place([...tokens.values()], found, deadline);
            }
            group.forEach(waiting => settle(waiting, found));
        } catch (error) {
            const failed = group.findIndex(({ token }) => !found.has(token.key));
            group.slice(0, failed).forEach(waiting => settle(waiting, found));
            group.slice(failed).forEach(({ reject }) => reject(error));
            const behind = this.#waiting;
            this.#waiting = [];
            behind.forEach(({ reject }) => reject(notSent(error)));
        }
    }
}

function settle({ token, resolve, reject }: Waiting, found: ReadonlyMap<string, Placement>): void {
    const placement = found.get(token.key);
    if (placement === undefined) {
        reject(new Error(`the token ${token.key} was not placed`));
    } else {
        resolve(placement);
    }
}

function earliestOf(a: Deadline | undefined, b: Deadline): Deadline {
    return a === undefined || b.remainingMs() < a.remainingMs() ? b : a;
}

function notSent(cause: unknown): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.UNAVAILABLE,
        'A resume token before this one could not be stored, so this one was not sent.',
        { cause }
    );
}
