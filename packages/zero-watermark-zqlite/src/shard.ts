import type { LexiVersion, ResumePoint, ShardHead, WatermarkLogger } from '@cbnsndwch/zero-contracts';
import {
    Acknowledgements,
    type AddedPairs,
    aheadOfHead,
    checkOf,
    foreignWatermark,
    historyLost,
    type ImportedPair,
    majorOf,
    microsecondsAfter,
    notAfterHead,
    positionOf,
    pruned,
    quoted,
    type RetentionOptions,
    type TokenPair,
    unknownWatermark,
    watermarkOf
} from '@cbnsndwch/zero-contracts/backend';

import { completeImport, importInto, readBack, usable } from './shard-imports.js';
import type { StoreDatabase } from './store-database.js';
import { type ShardRow, type TokenRow, type TokenTable, watermarkIn } from './token-table.js';
import type { Writer } from './writer.js';

/** How many tokens one step finds, makes or removes, so that other writes come in between. */
const STEP = 1_000;

/** Settings of a shard. */
export interface ShardOptions extends RetentionOptions {
    readonly shardId: string;
    readonly logger: WatermarkLogger;
    /** Orders tokens as the upstream does; `undefined`: the application does not say. */
    readonly compareResumeTokens: ((a: string, b: string) => number) | undefined;
}

/** The resume tokens of one shard. What it writes, it writes in the order of the calls. */
export class Shard {
    readonly #database: StoreDatabase;
    readonly #writer: Writer;
    readonly #options: ShardOptions;
    readonly #acknowledgements: Acknowledgements;
    /** The highest sequence that this process has seen; a database that ends below has lost it. */
    #highest = 0;

    constructor(database: StoreDatabase, writer: Writer, options: ShardOptions) {
        this.#database = database;
        this.#writer = writer;
        this.#options = options;
        const { logger, retainTokens, retainMs } = options;
        this.#acknowledgements = new Acknowledgements({
            ...{ shard: this.#name, logger, retainTokens, retainMs },
            sequenceOf: async watermark => (await this.#locate(watermark))?.sequence,
            removeBelow: sequence => this.#removeBelow(sequence)
        });
    }

    /** The watermarks of tokens, found or made, in their order. */
    async watermarksFor(resumeTokens: readonly string[]): Promise<LexiVersion[]> {
        const steps: Promise<LexiVersion[]>[] = [];
        for (let start = 0; start < resumeTokens.length; start += STEP) {
            steps.push(this.#find(resumeTokens.slice(start, start + STEP)));
        }
        return (await Promise.all(steps)).flat();
    }

    /** The watermark of a token, found or made. */
    async watermarkFor(resumeToken: string): Promise<LexiVersion> {
        const [watermark] = await this.#find([resumeToken]);
        return watermark ?? '';
    }

    /** A watermark that nothing had before, for a snapshot at this token. */
    beginSync(resumeToken: string): Promise<LexiVersion> {
        return this.#append(1, (table, shard) => {
            const sequence = shard.last + 1;
            table.putSync(shard, sequence, resumeToken);
            return { result: watermarkOf(sequence, checkOf(resumeToken)), last: sequence };
        });
    }

    async tokenOf(watermark: LexiVersion): Promise<string | undefined> {
        return (await this.#locate(watermark))?.token;
    }

    head(): Promise<ShardHead | null> {
        return this.#database.read(({ tokens }) => {
            const shard = this.#usable(tokens);
            const last = shard === undefined ? undefined : tokens.last(shard);
            return last === undefined ? null : { watermark: watermarkIn(last), resumeToken: last.token };
        });
    }

    async resume(lastWatermark: string | undefined): Promise<ResumePoint> {
        if (lastWatermark === undefined) {
            return this.#database.read(({ tokens }) => {
                this.#usable(tokens);
                return { kind: 'initial-sync' };
            });
        }
        const watermark = majorOf(lastWatermark);
        if (watermark === undefined) {
            return foreignWatermark(this.#name, lastWatermark);
        }
        const point = await this.#database.read(session =>
            session.snapshot(() => this.#resumeFrom(session.tokens, watermark, lastWatermark))
        );
        const sequence = positionOf(watermark)?.sequence ?? 0;
        if (point === 'ahead-of-head') {
            await this.fence(sequence);
            return aheadOfHead(this.#name, lastWatermark, 'the database was replaced by an older copy, or set back');
        }
        if (point.kind === 'resume') {
            this.#highest = Math.max(this.#highest, sequence);
        }
        return point;
    }

    /**
     * Empties the shard and moves it above every sequence that it may ever have given out.
     *
     * @param ifEndsBelow when given, only if it does: another process may have done it
     */
    async fence(ifEndsBelow?: number): Promise<void> {
        const last = await this.#writer.write(({ tokens }) => {
            const shard = tokens.shard(this.#options.shardId);
            return ifEndsBelow !== undefined && shard !== undefined && shard.last >= ifEndsBelow
                ? shard.last
                : this.#moveAbove(tokens, shard, ifEndsBelow ?? 0);
        }, this.#lane);
        this.#highest = Math.max(this.#highest, last);
    }

    /** Makes the shard if there is none. */
    provision(): Promise<void> {
        return this.#append(1, (_, { last }) => ({ result: undefined, last }));
    }

    /** Stores imported pairs, as far as they are not there. */
    async import(pairs: readonly ImportedPair[]): Promise<AddedPairs> {
        const name = this.#name;
        const { stored, below, last } = await this.#writer.write(
            ({ tokens }) => {
                const shard = this.#checkedRow(tokens);
                const imported = importInto(tokens, shard, name, pairs, () => {
                    const below = watermarkOf(this.#moveAbove(tokens, shard, 0) + 1, 0);
                    return { shard: this.#shardIn(tokens), below };
                });
                return { ...imported, last: tokens.shard(this.#options.shardId)?.last ?? 0 };
            },
            { ...this.#lane, rows: pairs.length }
        );
        this.#highest = Math.max(this.#highest, last);
        await this.#database.read(({ tokens }) => readBack(tokens, tokens.shard(this.#options.shardId), name, stored));
        return { created: stored.length, below };
    }

    completeImport(): Promise<LexiVersion | undefined> {
        return this.#writer.write(
            ({ tokens }) => completeImport(tokens, tokens.shard(this.#options.shardId)),
            this.#lane
        );
    }

    /** Where the newest token is. */
    newest(): Promise<number | undefined> {
        return this.#database.read(({ tokens }) => {
            const shard = this.#usable(tokens);
            return shard === undefined ? undefined : tokens.last(shard)?.sequence;
        });
    }

    /** Some tokens from a sequence on, oldest first. */
    tokensFrom(sequence: number): Promise<readonly (TokenPair & { readonly sequence: number })[]> {
        return this.#database.read(({ tokens }) => {
            const shard = this.#usable(tokens);
            return shard === undefined ? [] : tokens.from(shard, sequence, STEP).map(pairIn);
        });
    }

    acknowledge(watermark: string): void {
        this.#acknowledgements.note(watermark);
    }

    stop(): void {
        this.#acknowledgements.stop();
    }

    #find(resumeTokens: readonly string[]): Promise<LexiVersion[]> {
        return this.#append(resumeTokens.length, (table, shard) => this.#place(table, shard, resumeTokens));
    }

    /** Writes to the shard, and makes it first if there is none. */
    async #append<T>(
        rows: number,
        run: (table: TokenTable, shard: ShardRow) => { readonly result: T; readonly last: number }
    ): Promise<T> {
        const { result, last } = await this.#writer.write(({ tokens }) => run(tokens, this.#shardIn(tokens)), {
            ...this.#lane,
            rows
        });
        // Not before it is on the disk: a transaction that fails gives its numbers back.
        this.#highest = Math.max(this.#highest, last);
        return result;
    }

    /** The shard to write to. */
    #shardIn(table: TokenTable): ShardRow {
        const shard = usable(this.#name, this.#checkedRow(table));
        return shard ?? table.addShard(this.#options.shardId, microsecondsAfter(Date.now()));
    }

    /** The shard, if there is one and it has not lost what this process saw in it. */
    #checkedRow(table: TokenTable): ShardRow | undefined {
        const shard = table.shard(this.#options.shardId);
        if ((shard?.last ?? 0) >= this.#highest) {
            return shard;
        }
        const highest = this.#highest;
        this.#moveAbove(table, shard, highest);
        throw historyLost(
            `${this.#name} ends at ${shard?.last ?? 'nothing'}, but had given out ${highest} before: the database was ` +
                'replaced by an older copy, or set back'
        );
    }

    /** The shard to read from. */
    #usable(table: TokenTable): ShardRow | undefined {
        return usable(this.#name, table.shard(this.#options.shardId));
    }

    /** The token of a watermark. */
    #locate(watermark: LexiVersion): Promise<TokenRow | undefined> {
        return this.#database.read(({ tokens }) => {
            const shard = this.#usable(tokens);
            return shard === undefined ? undefined : tokens.of(shard, watermark, positionOf(watermark)?.sequence);
        });
    }

    #place(table: TokenTable, shard: ShardRow, resumeTokens: readonly string[]) {
        const compare = this.#options.compareResumeTokens;
        let head = compare === undefined ? undefined : table.last(shard)?.token;
        let last = shard.last;
        const result = resumeTokens.map(token => {
            if (compare !== undefined && head !== undefined && table.find(shard, token) === undefined) {
                if (compare(token, head) <= 0) {
                    throw notAfterHead(this.#name);
                }
            }
            const placed = table.put(shard, last + 1, token);
            if (placed.sequence > last) {
                last = placed.sequence;
                head = token;
            }
            return watermarkIn(placed);
        });
        return { result, last };
    }

    #resumeFrom(table: TokenTable, watermark: LexiVersion, lastWatermark: string): ResumePoint | 'ahead-of-head' {
        const shard = this.#usable(table);
        const position = positionOf(watermark);
        const found = shard === undefined ? undefined : table.of(shard, watermark, position?.sequence);
        if (found !== undefined) {
            return { kind: 'resume', resumeToken: found.token };
        }
        if (position === undefined) {
            return foreignWatermark(this.#name, lastWatermark);
        }
        const now = microsecondsAfter(Date.now());
        if (position.sequence > (shard?.last ?? now)) {
            return position.sequence > now
                ? unknownWatermark(this.#name, lastWatermark, 'it is later than the clock')
                : 'ahead-of-head';
        }
        return position.sequence < (shard?.first ?? Number.POSITIVE_INFINITY)
            ? pruned(this.#name, lastWatermark, 'the database was made anew')
            : unknownWatermark(this.#name, lastWatermark, 'another resume token, or none, stands where it points');
    }

    /** Lets the shard go on empty, above a sequence, above all that is in it, and above the clock; gives what is below. */
    #moveAbove(table: TokenTable, shard: ShardRow | undefined, sequence: number): number {
        const above = Math.max(shard?.last ?? 0, sequence, this.#highest);
        const first = Math.max(microsecondsAfter(Date.now()), above + 1);
        if (shard === undefined) {
            table.addShard(this.#options.shardId, first);
        } else {
            table.empty(shard, first);
        }
        return first - 1;
    }

    /** Removes old tokens a few at a time, so that other writes come in between. */
    async #removeBelow(sequence: number): Promise<void> {
        const removeSome = ({ tokens }: { readonly tokens: TokenTable }) => {
            const shard = tokens.shard(this.#options.shardId);
            const first = Math.min((shard?.first ?? sequence) + STEP, sequence);
            if (shard !== undefined && first > shard.first) {
                tokens.removeBelow(shard, first);
            }
            return first === sequence;
        };
        while (!(await this.#writer.write(removeSome, { rows: STEP }))) {
            // The next ones.
        }
    }

    get #lane() {
        return { lane: this.#options.shardId };
    }

    get #name(): string {
        return `Shard ${quoted(this.#options.shardId)} (database ${this.#database.path})`;
    }
}

function pairIn(row: TokenRow) {
    const { sequence, token: resumeToken, beginsSync } = row;
    return { sequence, watermark: watermarkIn(row), resumeToken, sync: beginsSync === 1 };
}
