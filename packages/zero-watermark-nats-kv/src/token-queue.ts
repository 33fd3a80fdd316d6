import { setImmediate } from 'node:timers/promises';

import { Deadline, notSentBehind } from '@cbnsndwch/zero-contracts/backend';

import type { GroupLimits } from './group-limits.js';
import type { NewToken, Placement } from './new-token.js';

/** About how many bytes of tokens one write takes at the most. */
const MAX_GROUP_BYTES = 8 * 1024 * 1024;

/** One call that waits for its tokens. */
export interface Call {
    readonly deadline: Deadline;
    /** Told of each token, in their order. */
    readonly placed: (token: NewToken, placement: Placement) => void;
    /** Told once, when one is not placed, and of no token after that. */
    readonly failed: (error: unknown) => void;
}

interface Waiting {
    readonly token: NewToken;
    readonly call: Call;
}

/** Places a group of tokens, in order; enters in `found` what it has placed, also when it fails after that. */
export type PlaceTokens = (
    tokens: readonly NewToken[],
    found: Map<string, Placement>,
    deadline: Deadline
) => Promise<unknown>;

/**
 * Keeps the tokens of one shard in the order of the calls: one write is in flight, and what arrives meanwhile forms the
 * next one.
 *
 * A write that fails for good fails everything that waits behind it. Otherwise the next token could be stored below the
 * failed one, which its caller will try again, and zero-cache would lose it without a word (seen with zero-cache 1.9).
 */
export class TokenQueue {
    readonly #place: PlaceTokens;
    readonly #limits: () => GroupLimits;
    #waiting: Waiting[] = [];
    #running = false;

    /** @param limits of the next write */
    constructor(place: PlaceTokens, limits: () => GroupLimits) {
        this.#place = place;
        this.#limits = limits;
    }

    /** Where the tokens are, in their order; rejects with the first that is not placed. */
    place(tokens: readonly NewToken[], deadline: Deadline): Promise<readonly Placement[]> {
        if (tokens.length === 0) {
            return Promise.resolve([]);
        }
        return new Promise((resolve, failed) => {
            const placements: Placement[] = [];
            const placed = (_: NewToken, placement: Placement) => {
                if (placements.push(placement) === tokens.length) {
                    resolve(placements);
                }
            };
            this.add(tokens, { deadline, placed, failed });
        });
    }

    /** The same without a promise. */
    add(tokens: readonly NewToken[], call: Call): void {
        for (const token of tokens) {
            this.#waiting.push({ token, call });
        }
        if (!this.#running) {
            this.#running = true;
            // What is added in the same turn goes into the same write.
            queueMicrotask(() => void this.#run());
        }
    }

    async #run(): Promise<void> {
        let answer = () => {};
        while (this.#waiting.length > 0) {
            const limits = this.#limits();
            const placing = this.#placeGroup(this.#waiting.splice(0, this.#groupLength(limits)));
            // While it is being stored, callers are told of the one before, and what comes behind is hashed.
            answer();
            this.#groupLength(limits);
            answer = await placing;
            if (limits.isFar) {
                answer();
                answer = () => {};
                await setImmediate();
            }
        }
        answer();
        this.#running = false;
    }

    /** How many of the tokens that wait go into the next write. */
    #groupLength(limits: GroupLimits): number {
        let bytes = 0;
        let calls = 0;
        let last: Call | undefined;
        const tooMuch = this.#waiting.findIndex(({ token, call }, index) => {
            bytes += token.entry.payload.length;
            calls += call === last ? 0 : 1;
            last = call;
            return index > 0 && (index >= limits.tokens || bytes > MAX_GROUP_BYTES || calls > limits.calls);
        });
        return tooMuch === -1 ? this.#waiting.length : tooMuch;
    }

    /** Gives what tells the callers; a failure is told, and fails what waits, before anything else can be sent. */
    async #placeGroup(group: readonly Waiting[]): Promise<() => void> {
        const found = new Map<string, Placement>();
        const tokens = new Map(group.map(({ token }) => [token.key, token]));
        try {
            await this.#place(
                [...tokens.values()],
                found,
                group.map(({ call }) => call.deadline).reduce(Deadline.earlier)
            );
        } catch (error) {
            this.#fail(group, found, error);
            return () => {};
        }
        return () => group.forEach(waiting => settle(waiting, found));
    }

    #fail(group: readonly Waiting[], found: ReadonlyMap<string, Placement>, error: unknown): void {
        const failed = group.findIndex(({ token }) => !found.has(token.key));
        group.slice(0, failed).forEach(waiting => settle(waiting, found));
        const inGroup = new Set(group.slice(failed).map(({ call }) => call));
        inGroup.forEach(call => call.failed(error));
        const behind = new Set(this.#waiting.map(({ call }) => call));
        this.#waiting = [];
        behind.forEach(call => {
            if (!inGroup.has(call)) {
                call.failed(notSentBehind(error));
            }
        });
    }
}

function settle({ token, call }: Waiting, found: ReadonlyMap<string, Placement>): void {
    const placement = found.get(token.key);
    if (placement === undefined) {
        call.failed(new Error(`the token ${token.key} was not placed`));
        return;
    }
    call.placed(token, placement);
}
