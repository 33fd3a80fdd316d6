import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { backOff, type Deadline, microsecondsAfter } from '@cbnsndwch/zero-contracts/backend';

import type { StreamInfo } from './jetstream-answers.js';
import type { TokenLog } from './token-log.js';

/** Where a shard's stream begins and ends, as a majority of the servers knows it. */
export interface ConfirmedHead {
    readonly first: number;
    readonly last: number;
    readonly serverTimeMs: number;
}

/** So far beyond the clock may be what an instance wrote down before the server's clock was set back: an hour. */
const CLOCK_SKEW_US = 3_600_000_000;

/** The end of a shard's stream: where it is, and how it is moved on, in ways that only a majority of the servers can answer. */
export class ShardEnd {
    readonly #log: TokenLog;
    readonly #name: string;

    /** @param name of the shard, for messages */
    constructor(log: TokenLog, name: string) {
        this.#log = log;
        this.#name = name;
    }

    /** Learns where the stream ends in a way that only a leader with a majority behind it can answer. */
    async confirm(deadline: Deadline): Promise<ConfirmedHead> {
        for (let attempt = 0; ; attempt += 1) {
            const { first_seq: first, last_seq: last } = (await this.#log.info(deadline)).state;
            const stored = await this.#log.putMarker('head', '', last, deadline);
            const marker = stored === undefined ? null : await this.#log.marker('head', deadline);
            if (stored !== undefined && marker !== null) {
                return { first, last, serverTimeMs: marker.timestamp };
            }
            await this.tryAgain(attempt, deadline);
        }
    }

    /**
     * Agrees on where the shard goes on when it is emptied: above every sequence that it may ever have given out.
     *
     * @returns the sequence, up to which it is then to be emptied
     */
    async agree(above: number, deadline: Deadline): Promise<number> {
        for (let attempt = 0; ; attempt += 1) {
            const target = await this.#agreeOnTarget(above, deadline);
            if (target !== undefined) {
                return target;
            }
            await this.tryAgain(attempt, deadline);
        }
    }

    /**
     * Moves a shard that has no tokens to the clock.
     *
     * @returns the sequence at which it goes on; `undefined`: it has tokens
     */
    async moveOnIfEmpty(deadline: Deadline): Promise<number | undefined> {
        for (let attempt = 0; ; attempt += 1) {
            let isEmpty: boolean | undefined;
            const target = await this.#agreeOnTarget(0, deadline, async state => {
                isEmpty = await this.#isEmpty(state, deadline);
                return isEmpty === true;
            });
            if (isEmpty === false) {
                return undefined;
            }
            if (target !== undefined) {
                await this.#log.purge(target, deadline);
                return target;
            }
            await this.tryAgain(attempt, deadline);
        }
    }

    /** Waits before the next attempt, unless it is too late for one. */
    async tryAgain(attempt: number, deadline: Deadline): Promise<void> {
        if (deadline.passed()) {
            throw new WatermarkError(
                WatermarkErrorCode.UNAVAILABLE,
                `No majority of the NATS servers could say within timeoutMs where ${this.#name} ends.`
            );
        }
        await backOff(attempt, deadline);
    }

    /**
     * The sequence at which the shard goes on. It is written down before it is used, so that an instance that does the
     * same again uses the same one, and removes nothing that was stored since.
     *
     * @param mayBe what must be true of the stream; that it still is when the sequence is written down is seen to
     * @returns `undefined` when it may not be, or when the stream was written to meanwhile
     */
    async #agreeOnTarget(
        above: number,
        deadline: Deadline,
        mayBe: (state: StreamInfo['state']) => Promise<boolean> = async () => true
    ): Promise<number | undefined> {
        const head = await this.confirm(deadline);
        const { state } = await this.#log.info(deadline);
        const agreed = await this.#log.marker('fence', deadline);
        const earlier = agreed === null ? 0 : Number(Buffer.from(agreed.data).toString());
        if (!(await mayBe(state))) {
            return undefined;
        }
        const target = Math.max(microsecondsAfter(head.serverTimeMs), state.last_seq + 2, above + 1);
        // One that came back with a backup may be below what was given out since. And what somebody else has written there
        // must not carry the shard to where numbers end.
        const isAhead = earlier > Math.max(state.last_seq, above);
        if (isAhead && Number.isSafeInteger(earlier) && earlier <= target + CLOCK_SKEW_US) {
            return earlier;
        }
        const stored = await this.#log.putMarker('fence', String(target), state.last_seq, deadline);
        return stored === undefined ? undefined : target;
    }

    /** Whether a stream holds nothing but markers; `undefined`: whoever answers does not know all of it. */
    async #isEmpty({ first_seq: first, last_seq: last }: StreamInfo['state'], deadline: Deadline) {
        const { token, upTo } = await this.#log.tokenFrom(first, deadline);
        return token !== undefined ? false : upTo >= last ? true : undefined;
    }
}
