import type { LexiVersion } from '@cbnsndwch/zero-contracts';
import {
    checkPlace,
    checkSamePair,
    type ImportedPair,
    importUnfinished,
    notReadBack
} from '@cbnsndwch/zero-contracts/backend';

import { type ShardRow, type TokenRow, type TokenTable, watermarkIn } from './token-table.js';

/**
 * Gives the shard back if it may be used.
 *
 * @throws {WatermarkError} `IMPORT_UNFINISHED`
 */
export function usable<Row extends ShardRow | undefined>(name: string, shard: Row): Row {
    if (shard?.importing === 1) {
        throw importUnfinished(name);
    }
    return shard;
}

/**
 * Stores those of the pairs that are not there; within one transaction.
 *
 * @param begin moves an empty shard above the clock, and gives it and what imported watermarks must be below
 * @returns the pairs that were not there, and what imported watermarks are below
 * @throws {ImportError} `IMPORT_CONFLICT`; nothing was stored
 */
export function importInto(
    table: TokenTable,
    shard: ShardRow | undefined,
    name: string,
    pairs: readonly ImportedPair[],
    begin: () => { readonly shard: ShardRow; readonly below: LexiVersion }
): { readonly stored: readonly ImportedPair[]; readonly below: LexiVersion | undefined } {
    const missing = shard === undefined ? pairs : pairs.filter(pair => !isThere(table, shard, name, pair));
    const below = shard?.importedBelow ?? undefined;
    if (missing.length === 0) {
        return { stored: missing, below };
    }
    const newest = shard === undefined ? undefined : table.last(shard);
    const placed = newest && { watermark: watermarkIn(newest), imported: newest.imported !== null };
    checkPlace(name, missing, placed, below);
    const target = shard === undefined || below === undefined ? begin() : { shard, below };
    checkPlace(name, missing, undefined, target.below);
    table.setImport(target.shard, target.below, 1);
    missing.forEach((pair, index) => table.putImported(target.shard, target.shard.last + 1 + index, pair));
    return { stored: missing, below: target.below };
}

/** The shard may be used; within a transaction. Gives what imported watermarks are below. */
export function completeImport(table: TokenTable, shard: ShardRow | undefined): LexiVersion | undefined {
    const below = shard?.importedBelow ?? undefined;
    if (shard !== undefined && below !== undefined) {
        table.setImport(shard, below, 0);
    }
    return below;
}

/** Sees to it that pairs are stored. */
export function readBack(
    table: TokenTable,
    shard: ShardRow | undefined,
    name: string,
    pairs: readonly ImportedPair[]
): void {
    for (const pair of pairs) {
        if (shard === undefined || table.findImported(shard, pair.watermark)?.token !== pair.resumeToken) {
            throw notReadBack(name, pair);
        }
    }
}

function isThere(table: TokenTable, shard: ShardRow, name: string, pair: ImportedPair): boolean {
    const { watermark, resumeToken, sync } = pair;
    const there: TokenRow | undefined = sync ? table.findImported(shard, watermark) : table.find(shard, resumeToken);
    if (there !== undefined) {
        checkSamePair(name, pair, { watermark: watermarkIn(there), resumeToken: there.token });
    }
    return there !== undefined;
}
