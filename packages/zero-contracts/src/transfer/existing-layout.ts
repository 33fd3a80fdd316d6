import { isLexiVersion, type LexiVersion } from '../lexi-version.js';

/*
 * The layout of the existing packages, the same in a NATS bucket and in an SQLite table: for each resume token a key
 * `zero_<shard>.<token>` with its watermark, for each watermark a key `zero_<shard>.<watermark>` with its token, and for each
 * shard a key `zero_<shard>.lsn` with the newest watermark, a counter. Nothing but its form tells one from the other.
 */

/** A key-value store in the layout of the existing packages. */
export interface ExistingStore {
    /** All entries, in any order. */
    entries(): AsyncIterable<ExistingEntry>;
    get(key: string): Promise<string | undefined>;
}

export interface ExistingEntry {
    readonly key: string;
    readonly value: string;
}

/** Something in an existing store that is not as it should be. */
export interface ExistingProblem {
    /** The key of the entry; shortened where it is long. */
    readonly key: string;
    /** What is there. */
    readonly found: string;
    /** What should be there. */
    readonly expected: string;
    /** What becomes of it when it is imported all the same. */
    readonly consequence: string;
}

/** What an entry comes to. */
export interface Verdict {
    readonly shardId: string;
    readonly problem?: ExistingProblem;
    /** The watermark that the entry is about. */
    readonly watermark?: LexiVersion;
    /**
     * `pair`: it leads back to a token, and is that token's. `sync`: it only leads back. `recovered`: it is the token's, and
     * does not lead back, which can be mended.
     */
    readonly as?: 'pair' | 'sync' | 'recovered';
    readonly resumeToken?: string;
}

const PREFIX = 'zero_';
const COUNTER = 'lsn';
const SHOWN = 120;

/** Judges the entries of an existing store, one by one. */
export class ExistingLayout {
    readonly #store: ExistingStore;
    readonly #shardIds: readonly string[] | undefined;
    readonly #counters = new Map<string, Promise<LexiVersion | undefined>>();

    /** @param shardIds the shards to look at; by default all, whose ids then must have no `.` in them */
    constructor(store: ExistingStore, shardIds: readonly string[] | undefined) {
        this.#store = store;
        this.#shardIds = shardIds?.toSorted((a, b) => b.length - a.length);
    }

    /** The token of a watermark. */
    tokenOf(shardId: string, watermark: LexiVersion): Promise<string | undefined> {
        return this.#store.get(keyOf(shardId, watermark));
    }

    /** The newest watermark, as the shard's counter has it; `undefined`: there is none, or it is none. */
    counterOf(shardId: string): Promise<LexiVersion | undefined> {
        let counter = this.#counters.get(shardId);
        if (counter === undefined) {
            counter = this.#store
                .get(keyOf(shardId, COUNTER))
                .then(value => (isLexiVersion(value) ? value : undefined));
            this.#counters.set(shardId, counter);
        }
        return counter;
    }

    /** What an entry comes to; `undefined`: it is none of a shard. */
    async judge({ key, value }: ExistingEntry): Promise<Verdict | undefined> {
        const shardId = this.#shardOf(key);
        if (shardId === undefined) {
            return undefined;
        }
        const name = key.slice(keyOf(shardId, '').length);
        if (name === COUNTER) {
            return isLexiVersion(value)
                ? { shardId }
                : { shardId, problem: problemOf(key, shown(value), 'a LexiVersion: the counter', NOTHING_LOST) };
        }
        if (isLexiVersion(name) && isLexiVersion(value)) {
            return this.#judgeAmbiguous(shardId, key, name, value);
        }
        if (isLexiVersion(name)) {
            return this.#judgeWatermark(shardId, key, name, value);
        }
        return isLexiVersion(value)
            ? this.#judgeToken(shardId, key, name, value)
            : {
                  shardId,
                  problem: problemOf(key, shown(value), 'a LexiVersion: the watermark of the token', TOKEN_NEW)
              };
    }

    /** What the counter of a shard has to say about the newest watermark that was found. */
    async judgeCounter(shardId: string, newest: LexiVersion): Promise<ExistingProblem | undefined> {
        const counter = await this.counterOf(shardId);
        const key = keyOf(shardId, COUNTER);
        const there = await this.#store.get(key);
        if (there === undefined) {
            return problemOf(key, 'nothing', `a counter that is at ${newest} or above`, NOTHING_LOST);
        }
        return counter !== undefined && counter < newest
            ? problemOf(key, counter, `${newest} or above: there is a watermark ${newest}`, GIVEN_TWICE)
            : undefined;
    }

    #shardOf(key: string): string | undefined {
        if (this.#shardIds !== undefined) {
            return this.#shardIds.find(shardId => key.startsWith(keyOf(shardId, '')));
        }
        const end = key.indexOf('.');
        return key.startsWith(PREFIX) && end > PREFIX.length ? key.slice(PREFIX.length, end) : undefined;
    }

    /** A token may look like a watermark. Only watermarks up to the counter were given out. */
    async #judgeAmbiguous(shardId: string, key: string, name: string, value: string): Promise<Verdict> {
        const counter = (await this.counterOf(shardId)) ?? '';
        const [isGiven, valueIsGiven] = [name <= counter, value <= counter];
        if (isGiven === valueIsGiven) {
            const found = `${shown(value)}, and both look like watermarks`;
            const expected = 'a resume token that can be told from a watermark';
            return { shardId, problem: problemOf(key, found, expected, LEFT_OUT) };
        }
        return isGiven ? this.#judgeWatermark(shardId, key, name, value) : this.#judgeToken(shardId, key, name, value);
    }

    async #judgeWatermark(shardId: string, key: string, watermark: string, resumeToken: string): Promise<Verdict> {
        if (!canBeToken(resumeToken)) {
            const problem = problemOf(key, shown(resumeToken), 'the resume token of the watermark', LEFT_OUT);
            return { shardId, watermark, problem };
        }
        const forward = resumeToken === COUNTER ? undefined : await this.#store.get(keyOf(shardId, resumeToken));
        if (forward === watermark) {
            return { shardId, watermark, as: 'pair' };
        }
        const expected = `${shown(keyOf(shardId, resumeToken))} with ${watermark}`;
        const found =
            resumeToken === COUNTER
                ? `"${COUNTER}", a resume token that can't be told from the counter`
                : forward === undefined
                  ? 'a resume token that has no watermark'
                  : `a resume token that has the watermark ${shown(forward)}`;
        return { shardId, watermark, as: 'sync', problem: problemOf(key, found, expected, LEADS_BACK) };
    }

    async #judgeToken(shardId: string, key: string, resumeToken: string, watermark: string): Promise<Verdict> {
        if (!canBeToken(resumeToken)) {
            const expected = 'a resume token in the key, which is not empty and well-formed Unicode';
            return { shardId, watermark, problem: problemOf(key, shown(watermark), expected, LEFT_OUT) };
        }
        const back = await this.tokenOf(shardId, watermark);
        if (back === resumeToken) {
            return { shardId, watermark };
        }
        const expected = `${shown(keyOf(shardId, watermark))} with the resume token`;
        if (back === undefined) {
            const problem = problemOf(key, `${watermark}, a watermark that leads nowhere`, expected, MENDED);
            return { shardId, watermark, as: 'recovered', resumeToken, problem };
        }
        const found = `${watermark}, a watermark that leads back to another resume token`;
        return { shardId, watermark, problem: problemOf(key, found, expected, TOKEN_NEW) };
    }
}

const LEFT_OUT = 'It is left out.';
const NOTHING_LOST = 'Nothing is lost by it: new watermarks begin at the clock, above all old ones.';
const GIVEN_TWICE =
    'New watermarks begin at the clock, above all old ones; some of the old ones may have been given twice.';
const TOKEN_NEW = 'It is left out: the token gets a new watermark if it comes again.';
const LEADS_BACK =
    'The watermark leads back to the token; if the token comes again, it gets the watermark that it has, or a new one.';
const MENDED = 'The watermark leads back to the token again.';

/** What stores take as a resume token. */
function canBeToken(text: string): boolean {
    return text !== '' && text.isWellFormed();
}

function keyOf(shardId: string, name: string): string {
    return `${PREFIX}${shardId}.${name}`;
}

function problemOf(key: string, found: string, expected: string, consequence: string): ExistingProblem {
    return { key: key.length > SHOWN ? `${key.slice(0, SHOWN)}…` : key, found, expected, consequence };
}

function shown(value: string): string {
    return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value);
}
