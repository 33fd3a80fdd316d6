import { TokenList } from './token-list.js';

/** How many revisions of a key are kept. */
const HISTORY = 64;

/** One revision of a key. */
export interface StoredRecord {
    readonly key: string;
    readonly revision: number;
    /** When it was stored, in milliseconds since the epoch. */
    readonly timestamp: number;
    /** The record as `encodeRecord` writes it; `null`: the mark of a deletion. */
    readonly text: string | null;
}

/** What a listener is told. */
export interface MemoryListener {
    /** A record was written; called while it is being written. */
    readonly written: (record: StoredRecord) => void;
    /** All records were replaced by others. */
    readonly replaced?: () => void;
}

/** What several stores share, as several processes share a database: everything that is kept. */
export class MemoryData {
    /** Milliseconds since the epoch. */
    readonly clock: () => number;
    #revision = 0;
    #records = new Map<string, StoredRecord[]>();
    #shards = new Map<string, TokenList>();
    readonly #listeners = new Set<MemoryListener>();

    /** By default it tells microseconds apart, because a new shard begins at them. */
    constructor(clock: () => number = () => performance.timeOrigin + performance.now()) {
        this.clock = clock;
    }

    /** The newest revision of a key; `undefined`: there is none, or it was deleted. */
    last(key: string): StoredRecord | undefined {
        const last = this.#records.get(key)?.at(-1);
        return last?.text === null ? undefined : last;
    }

    /** The newest revisions of all keys, oldest first. */
    all(): StoredRecord[] {
        const newest = [...this.#records.keys()].map(key => this.last(key)).filter(record => record !== undefined);
        return newest.sort((a, b) => a.revision - b.revision);
    }

    /** All revisions of a key that are kept, oldest first. */
    history(key: string): readonly StoredRecord[] {
        return this.#records.get(key) ?? [];
    }

    /** Stores a record, or a deletion, whatever is there, and tells the listeners. */
    write(key: string, text: string | null): StoredRecord {
        const record = { key, revision: (this.#revision += 1), timestamp: Math.floor(this.clock()), text };
        this.#records.set(key, [...this.history(key), record].slice(-HISTORY));
        this.#listeners.forEach(({ written }) => written(record));
        return record;
    }

    /** Tells a listener of each write, until the returned function is called. */
    listen(listener: MemoryListener): () => void {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
    }

    /** The tokens of a shard, which begin at the clock. */
    shard(shardId: string): TokenList {
        let tokens = this.#shards.get(shardId);
        if (tokens === undefined) {
            tokens = new TokenList(Math.floor(this.clock() * 1_000));
            this.#shards.set(shardId, tokens);
        }
        return tokens;
    }

    /** The shards that there are. */
    shardIds(): string[] {
        return [...this.#shards.keys()];
    }

    /** A copy that shares nothing with the original. */
    copy(): MemoryData {
        const copy = new MemoryData(this.clock);
        copy.replaceBy(this);
        return copy;
    }

    /** Takes what another has in place of its own, as when an old backup is put in place under running stores. */
    replaceBy(other: MemoryData): void {
        this.#revision = other.#revision;
        this.#records = new Map(other.#records);
        this.#shards = new Map([...other.#shards].map(([shardId, tokens]) => [shardId, tokens.copy()]));
        this.#listeners.forEach(({ replaced }) => replaced?.());
    }
}
