import {
    ImportError,
    isLexiVersion,
    type LexiVersion,
    WatermarkError,
    WatermarkErrorCode
} from '@cbnsndwch/zero-contracts';
import {
    type AddedPairs,
    checkPlace,
    checkSamePair,
    type Deadline,
    type ImportedPair,
    importUnfinished,
    notReadBack,
    watermarkOf
} from '@cbnsndwch/zero-contracts/backend';

import type { StoredMessage } from './jetstream-answers.js';
import { type NewToken, type Placement, watermarkAt } from './new-token.js';
import type { ShardEnd } from './shard-end.js';
import { importedEntry, type StoredToken } from './stored-token.js';
import { type TokenLog } from './token-log.js';

/** The marker that says how an import stands. */
const MARK = 'import';

/** How an import of a shard stands. */
interface ImportMark {
    readonly state: 'begun' | 'complete';
    /** What is imported must be below this, and what the shard gives out is above. */
    readonly below: LexiVersion;
}

/** A pair on its way into the stream. */
interface NewPair extends NewToken {
    readonly pair: ImportedPair;
    readonly importedAs: LexiVersion;
}

/** What there is to be known of a stream before pairs are stored in it. */
interface StreamBeforeImport {
    readonly end: number;
    readonly mark: ImportMark | undefined;
    readonly newest: StoredToken | undefined;
}

/**
 * The pairs that were imported into a shard.
 *
 * They are at the beginning of its stream, in the order of their watermarks, each as one message under the key of its
 * token: whoever would store the token anew finds it there. New tokens come behind them. The sequence at which the stream
 * was moved on before the import is above all of their watermarks, so that theirs and the shard's own never meet.
 */
export class ShardImports {
    readonly #log: TokenLog;
    readonly #end: ShardEnd;
    readonly #name: string;
    #unfinished = false;
    #looking: Promise<void> | undefined;

    constructor(log: TokenLog, end: ShardEnd, name: string) {
        this.#log = log;
        this.#end = end;
        this.#name = name;
    }

    /** Whether an import had begun and not ended when that was last looked at. */
    get unfinished(): boolean {
        return this.#unfinished;
    }

    /** Looks whether an import has begun and not ended. */
    async look(deadline: Deadline): Promise<void> {
        this.#unfinished = (await this.#mark(deadline))?.state === 'begun';
    }

    /**
     * Looks, too. Calls that wait for the same answer go on in their order.
     *
     * @throws {WatermarkError} `IMPORT_UNFINISHED`
     */
    async refuseUnfinished(deadline: Deadline): Promise<void> {
        this.#looking ??= this.look(deadline).finally(() => (this.#looking = undefined));
        await this.#looking;
        if (this.#unfinished) {
            throw importUnfinished(this.#name);
        }
    }

    /**
     * The imported token of a watermark: the messages are in the order of their watermarks, so about twenty reads find it
     * among a million.
     *
     * @param range the first and the last sequence to look at
     * @returns `null`: it is not there. `undefined`: whoever answered knew no end of the range, so it may be there.
     */
    async find(
        watermark: LexiVersion,
        range: { readonly first: number; readonly last: number },
        deadline: Deadline
    ): Promise<StoredToken | null | undefined> {
        let { first: low } = range;
        let high = range.last + 1;
        let proven = true;
        // The first one first: where nothing was imported it says so.
        for (let at = low; low < high; at = low + Math.floor((high - low) / 2)) {
            const { token, upTo } = await this.#log.tokenFrom(at, deadline);
            if (token?.imported === true && token.watermark === watermark) {
                return token;
            }
            if (token?.imported === true && token.watermark < watermark) {
                low = token.sequence + 1;
            } else {
                high = at;
                proven = token !== undefined || upTo > range.last;
            }
        }
        return proven ? null : undefined;
    }

    /**
     * Stores those of the pairs that are not there.
     *
     * @throws {ImportError} `IMPORT_CONFLICT`, `VALUE_TOO_LARGE`
     */
    async add(pairs: readonly ImportedPair[], deadline: Deadline): Promise<AddedPairs> {
        // From here on it may be; whoever asks for something looks again.
        this.#unfinished = true;
        const tokens = pairs.map(pair => this.#newPair(pair));
        const found = new Map<string, Placement>();
        for (let attempt = 0; ; attempt += 1) {
            const stream = await this.#look(deadline);
            await this.#find(missingOf(tokens, found), stream, found, deadline);
            const missing = missingOf(tokens, found);
            if (missing.length === 0 || (await this.#store(missing, stream, found, deadline))) {
                const stored = tokens.filter(({ key }) => found.get(key)?.isNew === true);
                await this.#readBack(stored, deadline);
                return { created: stored.length, below: stream.mark?.below };
            }
            await this.#end.tryAgain(attempt, deadline);
        }
    }

    /** The shard may be used. Gives what imported watermarks are below. */
    async complete(deadline: Deadline): Promise<LexiVersion | undefined> {
        for (let attempt = 0; ; attempt += 1) {
            const { last_seq: end } = (await this.#log.info(deadline)).state;
            const mark = await this.#mark(deadline);
            if (mark?.state !== 'begun' || (await this.#putMark({ ...mark, state: 'complete' }, end, deadline))) {
                this.#unfinished = false;
                return mark?.below;
            }
            await this.#end.tryAgain(attempt, deadline);
        }
    }

    async #look(deadline: Deadline): Promise<StreamBeforeImport> {
        // The end first: nothing is stored unless the stream still ends there, so that what is read after it counts. The mark
        // last: of an import that begins meanwhile, no pair is seen without it.
        const { last_seq: end } = (await this.#log.info(deadline)).state;
        const newest = (await this.#log.last(deadline)) ?? undefined;
        return { end, newest, mark: await this.#mark(deadline) };
    }

    /** Enters what is there of the pairs. Once an import has begun, later ones than the newest need not be looked for. */
    async #find(
        tokens: readonly NewPair[],
        { mark, newest }: StreamBeforeImport,
        found: Map<string, Placement>,
        deadline: Deadline
    ): Promise<void> {
        const isBeyond = (watermark: LexiVersion) =>
            newest === undefined || (mark?.state === 'begun' && newest.imported && watermark > newest.watermark);
        const wanted = tokens.filter(({ importedAs }) => !isBeyond(importedAs));
        const there = await this.#log.tokensUnder(wanted, deadline);
        for (const token of wanted) {
            const stored = there.get(token.key);
            if (stored !== undefined) {
                checkSamePair(this.#name, token.pair, stored);
                found.set(token.key, { sequence: stored.sequence, isNew: false, importedAs: token.importedAs });
            }
        }
    }

    /** Stores pairs at the end; makes the stream ready for that first. Gives whether all are stored. */
    async #store(
        missing: readonly NewPair[],
        { end, mark, newest }: StreamBeforeImport,
        found: Map<string, Placement>,
        deadline: Deadline
    ): Promise<boolean> {
        const pairs = missing.map(({ pair }) => pair);
        checkPlace(this.#name, pairs, newest, mark?.below);
        if (mark === undefined) {
            await this.#begin(pairs, deadline);
            return false;
        }
        if (mark.state === 'complete') {
            await this.#putMark({ ...mark, state: 'begun' }, end, deadline);
            return false;
        }
        const outcome = await this.#log.place(missing, found, deadline, end);
        for (const token of missing) {
            const placement = found.get(token.key);
            if (placement?.isNew === false) {
                const { resumeToken, pair } = token;
                checkSamePair(this.#name, pair, { watermark: watermarkAt(placement, token), resumeToken });
            }
        }
        return outcome === 'placed';
    }

    /** Moves an empty shard above all that is imported, and says in it that an import has begun. */
    async #begin(pairs: readonly ImportedPair[], deadline: Deadline): Promise<void> {
        const sequence = await this.#end.moveOnIfEmpty(deadline);
        // One that is not empty was written to since it was looked at; the next look says by whom.
        if (sequence !== undefined) {
            const below = watermarkOf(sequence, 0);
            checkPlace(this.#name, pairs, undefined, below);
            await this.#putMark({ state: 'begun', below }, sequence - 1, deadline);
        }
    }

    async #readBack(stored: readonly NewPair[], deadline: Deadline): Promise<void> {
        const there = await this.#log.tokensUnder(stored, deadline);
        for (const { key, pair } of stored) {
            const token = there.get(key);
            if (token?.watermark !== pair.watermark || token.resumeToken !== pair.resumeToken) {
                throw notReadBack(this.#name, pair);
            }
        }
    }

    #newPair(pair: ImportedPair): NewPair {
        const { watermark, resumeToken, sync, line } = pair;
        const entry = importedEntry(watermark, resumeToken, sync);
        if (entry.payload.length > this.#log.maxTokenBytes) {
            throw new ImportError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                line,
                `the resume token, with its watermark, has ${entry.payload.length} bytes; ` +
                    `${this.#name} takes at most ${this.#log.maxTokenBytes}`
            );
        }
        return { key: entry.key, entry, resumeToken, importedAs: watermark, pair };
    }

    async #mark(deadline: Deadline): Promise<ImportMark | undefined> {
        const marker = await this.#log.marker(MARK, deadline);
        return marker === null ? undefined : parseMark(marker, this.#name);
    }

    async #putMark(mark: ImportMark, end: number, deadline: Deadline): Promise<boolean> {
        return (await this.#log.putMarker(MARK, JSON.stringify(mark), end, deadline)) !== undefined;
    }
}

function missingOf(tokens: readonly NewPair[], found: ReadonlyMap<string, Placement>): readonly NewPair[] {
    return tokens.filter(({ key }) => !found.has(key));
}

function parseMark({ data, sequence }: StoredMessage, name: string): ImportMark {
    const mark: unknown = parseJson(Buffer.from(data).toString());
    if (typeof mark === 'object' && mark !== null && 'state' in mark && 'below' in mark) {
        const { state, below } = mark;
        if ((state === 'begun' || state === 'complete') && isLexiVersion(below)) {
            return { state, below };
        }
    }
    throw new WatermarkError(
        WatermarkErrorCode.CORRUPT_RECORD,
        `The entry marker.${MARK} of ${name} at revision ${sequence} does not say how its import stands.`,
        { remediation: 'A newer release or something else writes to this bucket.' }
    );
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
