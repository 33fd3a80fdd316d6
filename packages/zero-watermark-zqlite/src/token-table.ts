import type { Connection } from './sqlite.js';

/** A shard as it is stored, and where it ends. */
export interface ShardRow {
    readonly id: number;
    /** What is below was removed, or was never there. */
    readonly first: number;
    /** The newest sequence that was given out; `first - 1` when there is none. */
    readonly last: number;
}

/** A stored token. */
export interface TokenRow {
    readonly sequence: number;
    readonly token: string;
}

/** The shards and their tokens: prepared statements on one connection, each of them a single step. */
export class TokenTable {
    readonly #shard;
    readonly #addShard;
    readonly #shardNames;
    readonly #moveShard;
    readonly #at;
    readonly #last;
    readonly #find;
    readonly #insert;
    readonly #removeBelow;

    constructor(connection: Connection, table: string) {
        const shards = `"${table}_shards"`;
        const tokens = `"${table}_tokens"`;
        this.#shard = connection.prepare<[string], ShardRow>(
            `SELECT id, first, coalesce((SELECT max(sequence) FROM ${tokens} WHERE shard = id), first - 1) AS last
                FROM ${shards} WHERE shard = ?`
        );
        this.#addShard = connection.prepare<[string, number]>(`INSERT INTO ${shards} (shard, first) VALUES (?, ?)`);
        this.#shardNames = connection.prepare<[], string>(`SELECT shard FROM ${shards} ORDER BY id`).pluck();
        this.#moveShard = connection.prepare<[number, number]>(`UPDATE ${shards} SET first = ? WHERE id = ?`);
        this.#at = connection
            .prepare<[number, number], string>(`SELECT token FROM ${tokens} WHERE shard = ? AND sequence = ?`)
            .pluck();
        this.#last = connection.prepare<[number], TokenRow>(
            `SELECT sequence, token FROM ${tokens} WHERE shard = ? ORDER BY sequence DESC LIMIT 1`
        );
        this.#find = connection
            .prepare<[number, string], number>(
                `SELECT sequence FROM ${tokens} WHERE shard = ? AND token = ? AND NOT begins_sync`
            )
            .pluck();
        this.#insert = connection.prepare<[number, number, string, 0 | 1]>(
            `INSERT INTO ${tokens} (shard, sequence, token, begins_sync) VALUES (?, ?, ?, ?)
                ON CONFLICT (shard, token) WHERE NOT begins_sync DO NOTHING`
        );
        this.#removeBelow = connection.prepare<[number, number]>(
            `DELETE FROM ${tokens} WHERE shard = ? AND sequence < ?`
        );
    }

    shard(shardId: string): ShardRow | undefined {
        return this.#shard.get(shardId);
    }

    shardIds(): readonly string[] {
        return this.#shardNames.all();
    }

    /** Makes a shard that begins at this sequence. */
    addShard(shardId: string, first: number): ShardRow {
        const { lastInsertRowid } = this.#addShard.run(shardId, first);
        return { id: Number(lastInsertRowid), first, last: first - 1 };
    }

    /** The token at a sequence. */
    at({ id }: ShardRow, sequence: number): string | undefined {
        return this.#at.get(id, sequence);
    }

    /** The newest token. */
    last({ id }: ShardRow): TokenRow | undefined {
        return this.#last.get(id);
    }

    /** Where a token is that was stored before, not counting those at which a sync began. */
    find({ id }: ShardRow, token: string): number | undefined {
        return this.#find.get(id, token);
    }

    /** Stores a token at a sequence, unless it is there already; gives where it is. */
    put(shard: ShardRow, sequence: number, token: string): number {
        const isNew = this.#insert.run(shard.id, sequence, token, 0).changes === 1;
        return isNew ? sequence : (this.find(shard, token) ?? sequence);
    }

    /** Stores a token at which a sync begins, also when it is there. */
    putSync({ id }: ShardRow, sequence: number, token: string): void {
        this.#insert.run(id, sequence, token, 1);
    }

    /** Lets a shard begin at a later sequence. */
    removeBelow({ id }: ShardRow, first: number): void {
        this.#removeBelow.run(id, first);
        this.#moveShard.run(first, id);
    }
}
