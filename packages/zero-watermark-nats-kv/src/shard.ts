import {
    type LexiVersion,
    type ResumePoint,
    type ShardHead,
    WatermarkError,
    WatermarkErrorCode,
    type WatermarkLogger
} from '@cbnsndwch/zero-contracts';
import {
    Acknowledgements,
    aheadOfHead,
    backOff,
    Deadline,
    historyLost,
    microsecondsAfter,
    notAfterHead,
    positionOf,
    pruned,
    type RetentionOptions,
    tokenEntry,
    type TokenPosition,
    unknownWatermark,
    watermarkOf
} from '@cbnsndwch/zero-contracts/backend';
import { nuid } from '@nats-io/transport-node';

import { RecentTokens } from './recent-tokens.js';
import type { NewToken, Placement, TokenLog } from './token-log.js';
import { TokenQueue } from './token-queue.js';

/** Settings of a shard. */
export interface ShardOptions extends RetentionOptions {
    readonly shardId: string;
    readonly timeoutMs: number;
    readonly logger: WatermarkLogger;
    /** Orders tokens as the upstream does; `undefined`: the application does not say. */
    readonly compareResumeTokens: ((a: string, b: string) => number) | undefined;
}

/** Where a shard's stream begins and ends, as a majority of the servers knows it. */
interface ConfirmedHead {
    readonly first: number;
    readonly last: number;
    readonly serverTimeMs: number;
}

/** The resume tokens of one shard. */
export class Shard {
    readonly #log: TokenLog;
    readonly #options: ShardOptions;
    readonly #queue: TokenQueue;
    readonly #recent = new RecentTokens();
    readonly #acknowledgements: Acknowledgements;
    /** The highest sequence that this instance has seen; what is stored anew must be above. */
    #highest = 0;

    constructor(log: TokenLog, options: ShardOptions) {
        this.#log = log;
        this.#options = options;
        const { timeoutMs, logger, retainTokens, retainMs } = options;
        this.#acknowledgements = new Acknowledgements({
            ...{ shard: this.#name, logger, retainTokens, retainMs },
            isKnown: async position => (await this.tokenOf(position, Deadline.in(timeoutMs))) !== undefined,
            removeBelow: sequence => log.purge(sequence, Deadline.in(timeoutMs))
        });
        this.#queue = new TokenQueue((tokens, found, deadline) => this.#place(tokens, found, deadline));
    }

    /** The watermark of a token, found or made. */
    async watermarkFor(resumeToken: string, deadline: Deadline): Promise<LexiVersion> {
        const known = this.#recent.get(resumeToken);
        if (known !== undefined) {
            return known;
        }
        const token = this.#newToken(resumeToken);
        const placements = await this.#queue.add([token], deadline);
        return this.#remember(token, next(placements.values()));
    }

    /** The watermarks of tokens, found or made, in their order. */
    async watermarksFor(resumeTokens: readonly string[], deadline: Deadline): Promise<LexiVersion[]> {
        const wanted = resumeTokens.map(resumeToken => this.#recent.get(resumeToken) ?? this.#newToken(resumeToken));
        const missing = wanted.filter(token => typeof token !== 'string');
        const placements = (await this.#queue.add(missing, deadline)).values();
        return wanted.map(token => (typeof token === 'string' ? token : this.#remember(token, next(placements))));
    }

    /** A watermark that nothing had before, for a snapshot at this token. */
    async beginSync(resumeToken: string, deadline: Deadline): Promise<LexiVersion> {
        this.#recent.clear();
        const token = { ...this.#newToken(resumeToken), key: `sync.${nuid.next()}` };
        const placements = await this.#queue.add([token], deadline);
        return watermarkOf(next(placements.values()).sequence, token.entry.check);
    }

    async tokenOf(position: TokenPosition, deadline: Deadline): Promise<string | undefined> {
        const token = await this.#log.at(position.sequence, deadline);
        return token?.entry.check === position.check ? token.resumeToken : undefined;
    }

    async head(deadline: Deadline): Promise<ShardHead | null> {
        const last = await this.#log.last(deadline);
        return last === null
            ? null
            : { watermark: watermarkOf(last.sequence, last.entry.check), resumeToken: last.resumeToken };
    }

    async resume(lastWatermark: string, deadline: Deadline): Promise<ResumePoint> {
        // What another instance has done to the shard since we looked is settled now.
        this.#recent.clear();
        const position = positionOf(lastWatermark);
        if (position === undefined) {
            return unknownWatermark(this.#name, lastWatermark, 'it is not a watermark that this store makes');
        }
        const resumeToken = await this.tokenOf(position, deadline);
        if (resumeToken !== undefined) {
            this.#highest = Math.max(this.#highest, position.sequence);
            return { kind: 'resume', resumeToken };
        }
        const head = await this.#confirmHead(deadline);
        if (position.sequence > head.last) {
            if (position.sequence > microsecondsAfter(head.serverTimeMs)) {
                return unknownWatermark(this.#name, lastWatermark, 'it is later than the clock');
            }
            await this.fence(position.sequence, deadline);
            return aheadOfHead(this.#name, lastWatermark, 'the NATS servers lost history');
        }
        if (position.sequence < head.first) {
            return pruned(this.#name, lastWatermark, 'the bucket was made anew');
        }
        return this.#resumeWithin(position, lastWatermark, deadline);
    }

    /** Empties the shard and moves it above every sequence that it may ever have given out. */
    async fence(above: number, deadline: Deadline): Promise<void> {
        this.#recent.clear();
        for (let attempt = 0; ; attempt += 1) {
            const target = await this.#agreeOnFence(above, deadline);
            if (target !== undefined) {
                await this.#log.purge(target, deadline);
                this.#highest = target - 1;
                return;
            }
            await this.#tryAgain(attempt, deadline);
        }
    }

    /** Notes what zero-cache has committed; asks the servers at most every few seconds, in the background. */
    acknowledge(watermark: string): void {
        this.#acknowledgements.note(watermark);
    }

    stop(): void {
        this.#acknowledgements.stop();
    }

    async #place(tokens: readonly NewToken[], found: Map<string, Placement>, deadline: Deadline): Promise<void> {
        const before = this.#highest;
        try {
            await (this.#options.compareResumeTokens === undefined
                ? this.#log.place(tokens, found, deadline)
                : this.#placeAfterHead(tokens, found, deadline, this.#options.compareResumeTokens));
        } finally {
            await this.#checkHistory(found, before, deadline);
        }
    }

    /** A new sequence that is not above all that was seen means that the servers have lost what was seen. */
    async #checkHistory(found: Map<string, Placement>, before: number, deadline: Deadline): Promise<void> {
        for (const { sequence, isNew } of found.values()) {
            if (isNew && sequence <= before) {
                found.clear();
                await this.fence(before, deadline);
                throw historyLost(
                    `${this.#name} stored a token at ${sequence}, but had given out ${before} before: the NATS servers ` +
                        'lost history'
                );
            }
            this.#highest = Math.max(this.#highest, sequence);
        }
    }

    /** Stores tokens only while the shard's head is before them. */
    async #placeAfterHead(
        tokens: readonly NewToken[],
        found: Map<string, Placement>,
        deadline: Deadline,
        compare: (a: string, b: string) => number
    ): Promise<void> {
        for (let attempt = 0; ; attempt += 1) {
            await this.#log.find(tokens, found, deadline);
            const end = (await this.#log.info(deadline)).state.last_seq;
            let head = (await this.#log.last(deadline))?.resumeToken;
            const inOrder: NewToken[] = [];
            let early: NewToken | undefined;
            for (const token of tokens) {
                const isSync = token.key.startsWith('sync.');
                if (!found.has(token.key) && head !== undefined && !isSync && compare(token.resumeToken, head) <= 0) {
                    early = token;
                    break;
                }
                inOrder.push(token);
                head = found.has(token.key) ? head : token.resumeToken;
            }
            if (await this.#log.place(inOrder, found, deadline, end)) {
                if (early === undefined) {
                    return;
                }
                throw notAfterHead(this.#name);
            }
            await this.#tryAgain(attempt, deadline);
        }
    }

    /** Between first and last: it is there, or one answer that names what follows proves that it is not. */
    async #resumeWithin(position: TokenPosition, lastWatermark: string, deadline: Deadline): Promise<ResumePoint> {
        for (let attempt = 0; ; attempt += 1) {
            const next = await this.#log.next(position.sequence, deadline);
            if (next !== null) {
                const resumeToken = await this.tokenOf(position, deadline);
                return resumeToken === undefined
                    ? unknownWatermark(
                          this.#name,
                          lastWatermark,
                          'another resume token, or none, stands where it points'
                      )
                    : { kind: 'resume', resumeToken };
            }
            await this.#tryAgain(attempt, deadline);
        }
    }

    /** Learns where the stream ends in a way that only a leader with a majority behind it can answer. */
    async #confirmHead(deadline: Deadline): Promise<ConfirmedHead> {
        for (let attempt = 0; ; attempt += 1) {
            const { first_seq: first, last_seq: last } = (await this.#log.info(deadline)).state;
            const stored = await this.#log.putMarker('head', '', last, deadline);
            const marker = stored === undefined ? null : await this.#log.marker('head', deadline);
            if (stored !== undefined && marker !== null) {
                return { first, last, serverTimeMs: marker.timestamp };
            }
            await this.#tryAgain(attempt, deadline);
        }
    }

    /**
     * The sequence at which the shard goes on after a fence. It is written down before it is used, so that an instance
     * that repeats the fence uses the same one, and removes nothing that was stored since.
     */
    async #agreeOnFence(above: number, deadline: Deadline): Promise<number | undefined> {
        const head = await this.#confirmHead(deadline);
        const last = (await this.#log.info(deadline)).state.last_seq;
        const agreed = await this.#log.marker('fence', deadline);
        const earlier = agreed === null ? 0 : Number(Buffer.from(agreed.data).toString());
        if (earlier > last) {
            return earlier;
        }
        const target = Math.max(microsecondsAfter(head.serverTimeMs), last + 2, above + 1);
        return (await this.#log.putMarker('fence', String(target), last, deadline)) === undefined ? undefined : target;
    }

    async #tryAgain(attempt: number, deadline: Deadline): Promise<void> {
        if (deadline.passed()) {
            throw new WatermarkError(
                WatermarkErrorCode.UNAVAILABLE,
                `No majority of the NATS servers could say within timeoutMs where ${this.#name} ends.`
            );
        }
        await backOff(attempt, deadline);
    }

    #remember({ entry, resumeToken }: NewToken, { sequence }: Placement): LexiVersion {
        const watermark = watermarkOf(sequence, entry.check);
        this.#recent.set(resumeToken, watermark);
        return watermark;
    }

    #newToken(resumeToken: string): NewToken {
        const entry = tokenEntry(resumeToken);
        if (entry.payload.length > this.#log.maxTokenBytes) {
            throw new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `The resume token has ${entry.payload.length} bytes; ${this.#name} takes at most ${this.#log.maxTokenBytes}.`
            );
        }
        return { key: entry.key, entry, resumeToken };
    }

    get #name(): string {
        return `Shard ${JSON.stringify(this.#options.shardId)} (KV bucket "${this.#log.bucketName}")`;
    }
}

function next<T>(values: IterableIterator<T>): T {
    const result = values.next();
    if (result.done === true) {
        throw new RangeError('fewer values than were asked for');
    }
    return result.value;
}
