import {
    isWatermarkError,
    type LexiVersion,
    type ResumePoint,
    type ShardHead,
    WatermarkError,
    WatermarkErrorCode,
    type WatermarkLogger
} from '@cbnsndwch/zero-contracts';
import {
    Acknowledgements,
    type AddedPairs,
    aheadOfHead,
    type Asker,
    Deadline,
    foreignWatermark,
    historyLost,
    type ImportedPair,
    majorOf,
    microsecondsAfter,
    positionOf,
    pruned,
    quoted,
    type RetentionOptions,
    unknownWatermark
} from '@cbnsndwch/zero-contracts/backend';
import { nuid } from '@nats-io/transport-node';

import { type NewToken, type Placement, UnhashedToken, watermarkAt } from './new-token.js';
import { RecentTokens } from './recent-tokens.js';
import { type ConfirmedHead, ShardEnd } from './shard-end.js';
import { ShardImports } from './shard-imports.js';
import { type StoredToken, syncKey } from './stored-token.js';
import { type TokenLog } from './token-log.js';
import { type PlaceTokens, TokenQueue } from './token-queue.js';
import { placingInUpstreamOrder } from './upstream-order.js';
import { abandonUnknown } from './write-failures.js';

const { CLOSED, UNAVAILABLE } = WatermarkErrorCode;

/** Settings of a shard. */
export interface ShardOptions extends RetentionOptions {
    readonly shardId: string;
    readonly timeoutMs: number;
    readonly logger: WatermarkLogger;
    /** Orders tokens as the upstream does; `undefined`: the application does not say. */
    readonly compareResumeTokens: ((a: string, b: string) => number) | undefined;
}

/** The resume tokens of one shard. */
export class Shard {
    readonly #log: TokenLog;
    readonly #options: ShardOptions;
    readonly #queue: TokenQueue;
    readonly #recent = new RecentTokens();
    readonly #acknowledgements: Acknowledgements;
    readonly #placeInLog: PlaceTokens;
    readonly #end: ShardEnd;
    readonly #imports: ShardImports;
    /** The highest sequence that this instance has seen; what is stored anew must be above. */
    #highest = 0;
    /** The highest sequence that was given out of a history that the servers have lost; 0 once the shard is above it. */
    #lost = 0;

    constructor(log: TokenLog, options: ShardOptions) {
        this.#log = log;
        this.#options = options;
        const { timeoutMs, logger, retainTokens, retainMs, compareResumeTokens: compare } = options;
        this.#end = new ShardEnd(log, this.#name);
        this.#placeInLog =
            compare === undefined
                ? async (tokens, found, deadline) => void (await log.place(tokens, found, deadline))
                : placingInUpstreamOrder(log, this.#end, this.#name, compare);
        this.#imports = new ShardImports(log, this.#end, this.#name);
        this.#acknowledgements = new Acknowledgements({
            ...{ shard: this.#name, logger, retainTokens, retainMs },
            sequenceOf: async watermark => (await this.#locate(watermark, Deadline.in(timeoutMs)))?.sequence,
            removeBelow: sequence => log.purge(sequence, Deadline.in(timeoutMs))
        });
        this.#queue = new TokenQueue(
            (tokens, found, deadline) => this.#place(tokens, found, deadline),
            () => log.groupLimits
        );
    }

    /** The watermark of a token, found or made. */
    watermarkFor(resumeToken: string, deadline: Deadline): Promise<LexiVersion> {
        return new Promise((answer, fail) => this.ask(resumeToken, deadline, { answer, fail }));
    }

    /**
     * The same without a promise.
     *
     * @throws {WatermarkError} `VALUE_TOO_LARGE`; whatever else fails is told
     */
    ask(resumeToken: string, deadline: Deadline, { answer, fail }: Asker): void {
        const known = this.#recent.get(resumeToken);
        if (known !== undefined) {
            answer(known);
            return;
        }
        this.#queue.add([this.#newToken(resumeToken)], {
            deadline,
            placed: (token, placement) => answer(watermarkAt(placement, token)),
            failed: fail
        });
    }

    /** The watermarks of tokens, found or made, in their order. */
    watermarksFor(resumeTokens: readonly string[], deadline: Deadline): Promise<LexiVersion[]> {
        const wanted = resumeTokens.map(resumeToken => this.#recent.get(resumeToken) ?? this.#newToken(resumeToken));
        const missing = wanted.filter(token => typeof token !== 'string');
        return this.#queue.place(missing, deadline).then(found => {
            const placements = found.values();
            return wanted.map(token => (typeof token === 'string' ? token : watermarkAt(taken(placements), token)));
        });
    }

    /** A watermark that nothing had before, for a snapshot at this token. */
    beginSync(resumeToken: string, deadline: Deadline): Promise<LexiVersion> {
        this.#recent.clear();
        const { entry } = this.#newToken(resumeToken);
        const token = { key: syncKey(nuid.next()), entry, resumeToken };
        return this.#queue.place([token], deadline).then(placements => watermarkAt(taken(placements.values()), token));
    }

    async tokenOf(watermark: LexiVersion, deadline: Deadline): Promise<string | undefined> {
        return (await this.#locate(watermark, deadline))?.resumeToken;
    }

    async head(deadline: Deadline): Promise<ShardHead | null> {
        const last = await this.#log.last(deadline);
        return last === null ? null : { watermark: last.watermark, resumeToken: last.resumeToken };
    }

    async resume(lastWatermark: string | undefined, deadline: Deadline): Promise<ResumePoint> {
        // What another instance has done to the shard since we looked is settled now.
        this.#recent.clear();
        const watermark = majorOf(lastWatermark ?? '');
        const [own] = await Promise.all([
            watermark === undefined ? undefined : this.#ownToken(watermark, deadline),
            this.#imports.refuseUnfinished(deadline)
        ]);
        if (lastWatermark === undefined) {
            return { kind: 'initial-sync' };
        }
        if (watermark === undefined) {
            return foreignWatermark(this.#name, lastWatermark);
        }
        if (own !== undefined) {
            this.#highest = Math.max(this.#highest, own.sequence);
            return { kind: 'resume', resumeToken: own.resumeToken };
        }
        const head = await this.#end.confirm(deadline);
        const imported = await this.#importedToken(watermark, head, deadline);
        if (imported !== null) {
            return { kind: 'resume', resumeToken: imported.resumeToken };
        }
        return this.#resumeFrom(watermark, head, lastWatermark, deadline);
    }

    /** Empties the shard and moves it above every sequence that it may ever have given out. */
    async fence(above: number, deadline: Deadline): Promise<void> {
        this.#recent.clear();
        await this.#empty(await this.#end.agree(Math.max(above, this.#lost), deadline), deadline);
    }

    /**
     * The same because the caller wants it.
     *
     * @throws {WatermarkError} `OUTCOME_UNKNOWN`: it may have been emptied, or may still be
     */
    async abandon(deadline: Deadline): Promise<void> {
        this.#recent.clear();
        const target = await this.#end.agree(this.#lost, deadline);
        try {
            await this.#empty(target, deadline);
        } catch (error) {
            const isPlain = isWatermarkError(error, UNAVAILABLE) || isWatermarkError(error, CLOSED);
            throw isPlain ? abandonUnknown(this.#name, error) : error;
        }
    }

    async #empty(target: number, deadline: Deadline): Promise<void> {
        await this.#log.purge(target, deadline);
        this.#lost = 0;
        this.#highest = Math.max(this.#highest, target - 1);
        this.#recent.clear();
    }

    /** Whether calls can run at once: it is not being imported, as far as this instance knows. */
    get usable(): boolean {
        return !this.#imports.unfinished;
    }

    /** Runs a call, unless the shard is being imported. */
    whenUsable<T>(deadline: Deadline, run: () => Promise<T>): Promise<T> {
        return this.usable ? run() : this.#imports.refuseUnfinished(deadline).then(run);
    }

    /** Looks whether the shard is being imported. */
    lookForImport(deadline: Deadline): Promise<void> {
        return this.#imports.look(deadline);
    }

    /** Stores imported pairs, as far as they are not there. */
    import(pairs: readonly ImportedPair[], deadline: Deadline): Promise<AddedPairs> {
        this.#recent.clear();
        return this.#imports.add(pairs, deadline);
    }

    completeImport(deadline: Deadline): Promise<LexiVersion | undefined> {
        return this.#imports.complete(deadline);
    }

    /** Where the newest token is. */
    async newest(deadline: Deadline): Promise<number | undefined> {
        return (await this.#log.last(deadline))?.sequence;
    }

    /** Tokens from a sequence on, oldest first, not more than a number. */
    tokensFrom(sequence: number, count: number, deadline: Deadline): Promise<readonly StoredToken[]> {
        return this.#log.tokensFrom(sequence, count, deadline);
    }

    /** Notes what zero-cache has committed; asks the servers at most every few seconds, in the background. */
    acknowledge(watermark: string): void {
        this.#acknowledgements.note(watermark);
    }

    stop(): void {
        this.#acknowledgements.stop();
    }

    async #place(tokens: readonly NewToken[], found: Map<string, Placement>, deadline: Deadline): Promise<void> {
        if (this.#lost > 0) {
            await this.fence(this.#lost, deadline);
        }
        const before = this.#highest;
        const { clearings } = this.#recent;
        try {
            await this.#placeInLog(tokens, found, deadline);
        } finally {
            await this.#refuseLostHistory(found, before, deadline);
            this.#remember(tokens, found, clearings);
        }
    }

    /**
     * A new sequence that is not above all that was seen means that the servers have lost what was seen. Until the shard
     * has been moved above that, nothing more is placed.
     */
    async #refuseLostHistory(found: Map<string, Placement>, before: number, deadline: Deadline): Promise<void> {
        const lost = [...found.values()].find(({ sequence, isNew }) => isNew && sequence <= before);
        if (lost !== undefined) {
            found.clear();
            this.#lost = before;
            const error = await this.fence(before, deadline).catch((cause: unknown) => cause);
            throw historyLost(
                `${this.#name} stored a token at ${lost.sequence}, but had given out ${before}: the servers lost history`,
                error
            );
        }
    }

    /**
     * Remembers the watermarks of tokens, but for what may have been abandoned while they were being placed.
     *
     * @param clearings how often everything had been forgotten when that began
     */
    #remember(tokens: readonly NewToken[], found: ReadonlyMap<string, Placement>, clearings: number): void {
        const isForgotten = this.#recent.clearings !== clearings;
        let since = 0;
        for (const { sequence } of found.values()) {
            if (sequence > this.#highest + 1) {
                // Somebody has written since, or has abandoned what is remembered here.
                this.#recent.clear();
                since = sequence;
            }
            this.#highest = Math.max(this.#highest, sequence);
        }
        if (!isForgotten) {
            this.#recent.add(tokens, found, since);
        }
    }

    /** The token that stands where a watermark of the shard's own points. */
    async #ownToken(watermark: LexiVersion, deadline: Deadline): Promise<StoredToken | undefined> {
        const position = positionOf(watermark);
        const token = position === undefined ? null : await this.#log.at(position.sequence, deadline);
        return token?.watermark === watermark ? token : undefined;
    }

    /** The token of a watermark, own or imported. */
    async #locate(watermark: LexiVersion, deadline: Deadline): Promise<StoredToken | undefined> {
        await this.whenUsable(deadline, async () => {});
        const own = await this.#ownToken(watermark, deadline);
        if (own !== undefined) {
            return own;
        }
        const { first_seq: first, last_seq: last } = (await this.#log.info(deadline)).state;
        return (await this.#imports.find(watermark, { first, last }, deadline)) ?? undefined;
    }

    /** The imported token of a watermark; `null`: it is certain that there is none. */
    async #importedToken(watermark: LexiVersion, head: ConfirmedHead, deadline: Deadline): Promise<StoredToken | null> {
        for (let attempt = 0; ; attempt += 1) {
            const token = await this.#imports.find(watermark, head, deadline);
            if (token !== undefined) {
                return token;
            }
            await this.#end.tryAgain(attempt, deadline);
        }
    }

    /** What becomes of a watermark that is neither where it points nor imported. */
    async #resumeFrom(
        watermark: LexiVersion,
        head: ConfirmedHead,
        lastWatermark: string,
        deadline: Deadline
    ): Promise<ResumePoint> {
        const position = positionOf(watermark);
        if (position === undefined) {
            return foreignWatermark(this.#name, lastWatermark);
        }
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
        return this.#resumeWithin(position.sequence, watermark, lastWatermark, deadline);
    }

    /** Between first and last: it is there, or one answer that names what follows proves that it is not. */
    async #resumeWithin(
        sequence: number,
        watermark: LexiVersion,
        lastWatermark: string,
        deadline: Deadline
    ): Promise<ResumePoint> {
        for (let attempt = 0; ; attempt += 1) {
            const next = await this.#log.next(sequence, deadline);
            if (next !== null) {
                const token = await this.#ownToken(watermark, deadline);
                return token === undefined
                    ? unknownWatermark(
                          this.#name,
                          lastWatermark,
                          'another resume token, or none, stands where it points'
                      )
                    : { kind: 'resume', resumeToken: token.resumeToken };
            }
            await this.#end.tryAgain(attempt, deadline);
        }
    }

    #newToken(resumeToken: string): NewToken {
        const { maxTokenBytes } = this.#log;
        if (resumeToken.length > maxTokenBytes / 3 && Buffer.byteLength(resumeToken) > maxTokenBytes) {
            throw new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `The resume token has ${Buffer.byteLength(resumeToken)} bytes; ${this.#name} takes at most ${maxTokenBytes}.`
            );
        }
        return new UnhashedToken(resumeToken);
    }

    get #name(): string {
        return `Shard ${quoted(this.#options.shardId)} (KV bucket "${this.#log.bucketName}")`;
    }
}

function taken<T>(values: IterableIterator<T>): T {
    const result = values.next();
    if (result.done === true) {
        throw new RangeError('fewer values than were asked for');
    }
    return result.value;
}
