import type { LexiVersion } from '@cbnsndwch/zero-contracts';
import { checkOf, type TokenPair, watermarkOf } from '@cbnsndwch/zero-contracts/backend';

import { checkNumber } from './check-number.js';
import type { Connection } from './sqlite.js';

/** A shard as it is stored, and where it ends. */
export interface ShardRow {
    readonly id: number;
    /** What is below was removed, or was never there. */
    readonly first: number;
    /** The newest sequence that was given out; `first - 1` when there is none. */
    readonly last: number;
    /** Imported watermarks are below this; `null`: none were imported. */
    readonly importedBelow: LexiVersion | null;
    /** Whether an import has begun and not ended. */
    readonly importing: 0 | 1;
}

/** A stored token. */
export interface TokenRow {
    readonly sequence: number;
    readonly token: string;
    readonly beginsSync: 0 | 1;
    /** Its watermark, where that is not its sequence. */
    readonly imported: LexiVersion | null;
}

/** The watermark of a stored token. */
export function watermarkIn({ sequence, token, imported }: Omit<TokenRow, 'beginsSync'>): LexiVersion {
    return imported ?? watermarkOf(sequence, checkOf(token));
}

/**
 * The shards and their tokens: prepared statements on one connection, each of them a single step. The plus in `= +?` is
 * there for the reason that `RecordTable` gives.
 */
export class TokenTable {
    readonly #shard;
    readonly #addShard;
    readonly #shardNames;
    readonly #moveShard;
    readonly #setImport;
    readonly #from;
    readonly #last;
    readonly #find;
    readonly #findImported;
    readonly #insert;
    readonly #insertImported;
    readonly #removeBelow;

    constructor(connection: Connection, table: string) {
        const shards = `"${table}_shards"`;
        const tokens = `"${table}_tokens"`;
        const row = 'sequence, token, begins_sync AS beginsSync, imported';
        this.#shard = connection.prepare<[string], ShardRow>(
            `SELECT id, first, coalesce((SELECT max(sequence) FROM ${tokens} WHERE shard = id), first - 1) AS last,
                imported_below AS importedBelow, importing FROM ${shards} WHERE shard = ?`
        );
        this.#addShard = connection.prepare<[string, number]>(`INSERT INTO ${shards} (shard, first) VALUES (?, ?)`);
        this.#shardNames = connection.prepare<[], string>(`SELECT shard FROM ${shards} ORDER BY id`).pluck();
        this.#moveShard = connection.prepare<[number, number]>(`UPDATE ${shards} SET first = ? WHERE id = ?`);
        this.#setImport = connection.prepare<[LexiVersion | null, 0 | 1, number]>(
            `UPDATE ${shards} SET imported_below = ?, importing = ? WHERE id = ?`
        );
        this.#from = connection.prepare<[number, number, number], TokenRow>(
            `SELECT ${row} FROM ${tokens} WHERE shard = +? AND sequence >= ? ORDER BY sequence LIMIT ?`
        );
        this.#last = connection.prepare<[number], TokenRow>(
            `SELECT ${row} FROM ${tokens} WHERE shard = +? ORDER BY sequence DESC LIMIT 1`
        );
        this.#find = connection.prepare<[number, string], TokenRow>(
            `SELECT ${row} FROM ${tokens} WHERE shard = +? AND token = +? AND NOT begins_sync`
        );
        this.#findImported = connection.prepare<[number, LexiVersion], TokenRow>(
            `SELECT ${row} FROM ${tokens} WHERE shard = +? AND imported = +?`
        );
        this.#insert = connection.prepare<[number, number, string, 0 | 1]>(
            `INSERT INTO ${tokens} (shard, sequence, token, begins_sync) VALUES (?, ?, ?, ?)
                ON CONFLICT (shard, token) WHERE NOT begins_sync DO NOTHING`
        );
        this.#insertImported = connection.prepare<[number, number, string, 0 | 1, LexiVersion]>(
            `INSERT INTO ${tokens} (shard, sequence, token, begins_sync, imported) VALUES (?, ?, ?, ?, ?)`
        );
        this.#removeBelow = connection.prepare<[number, number]>(
            `DELETE FROM ${tokens} WHERE shard = +? AND sequence < ?`
        );
    }

    shard(shardId: string): ShardRow | undefined {
        const shard = this.#shard.get(shardId);
        checkNumber('sequence', shard?.last ?? 0);
        return shard;
    }

    shardIds(): readonly string[] {
        return this.#shardNames.all();
    }

    /** Makes a shard that begins at this sequence. */
    addShard(shardId: string, first: number): ShardRow {
        const { lastInsertRowid } = this.#addShard.run(shardId, first);
        return { id: Number(lastInsertRowid), first, last: first - 1, importedBelow: null, importing: 0 };
    }

    /** The token of a watermark, its own or an imported one. */
    of(shard: ShardRow, watermark: LexiVersion, sequence: number | undefined): TokenRow | undefined {
        const [row] = sequence === undefined ? [] : this.from(shard, sequence, 1);
        const isOwn = row !== undefined && row.sequence === sequence && watermarkIn(row) === watermark;
        return isOwn ? row : this.findImported(shard, watermark);
    }

    /** Tokens from a sequence on, oldest first. */
    from({ id }: ShardRow, sequence: number, limit: number): readonly TokenRow[] {
        return this.#from.all(id, sequence, limit);
    }

    /** The newest token. */
    last({ id }: ShardRow): TokenRow | undefined {
        return this.#last.get(id);
    }

    /** A token that was stored before, not counting those at which a sync began. */
    find({ id }: ShardRow, token: string): TokenRow | undefined {
        return this.#find.get(id, token);
    }

    /** The token that was imported with a watermark. */
    findImported({ id }: ShardRow, watermark: LexiVersion): TokenRow | undefined {
        return this.#findImported.get(id, watermark);
    }

    /** Stores a token at a sequence, unless it is there already; gives what is there then. */
    put(shard: ShardRow, sequence: number, token: string): Omit<TokenRow, 'beginsSync'> {
        const isNew = this.#insert.run(shard.id, sequence, token, 0).changes === 1;
        const there = isNew ? undefined : this.find(shard, token);
        return there ?? { sequence, token, imported: null };
    }

    /** Stores a token at which a sync begins, also when it is there. */
    putSync({ id }: ShardRow, sequence: number, token: string): void {
        this.#insert.run(id, sequence, token, 1);
    }

    /** Stores a token with the watermark that it has in another store. */
    putImported({ id }: ShardRow, sequence: number, { watermark, resumeToken, sync }: TokenPair): void {
        this.#insertImported.run(id, sequence, resumeToken, sync ? 1 : 0, watermark);
    }

    /** Notes how an import of the shard stands. */
    setImport({ id }: ShardRow, importedBelow: LexiVersion, importing: 0 | 1): void {
        this.#setImport.run(importedBelow, importing, id);
    }

    /** Lets a shard begin at a later sequence. */
    removeBelow({ id }: ShardRow, first: number): void {
        this.#removeBelow.run(id, first);
        this.#moveShard.run(first, id);
    }

    /** Lets a shard begin at a later sequence, empty, and as if nothing had been imported. */
    empty(shard: ShardRow, first: number): void {
        this.removeBelow(shard, first);
        this.#setImport.run(null, 0, shard.id);
    }
}
