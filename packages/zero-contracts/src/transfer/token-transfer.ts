import { checkCallOptions, checkList, checkResumeToken, checkShardId } from '../backend/arguments.js';
import { emptiedMeanwhile, nothingToExport } from './import-failures.js';
import { ImportError, isWatermarkError, WatermarkErrorCode } from '../errors.js';
import { isLexiVersion, type LexiVersion } from '../lexi-version.js';
import type { ExportResumeTokensOptions } from '../resume-tokens.js';
import type { ExportLines } from './lines.js';
import { type ExportedEntry, type JsonObject, readExport, writeExport } from './sealed-lines.js';

/** A watermark and the resume token that it leads back to. */
export interface TokenPair {
    readonly watermark: LexiVersion;
    readonly resumeToken: string;
    /** Whether a sync began there: it leads back to the token, but is not the token's watermark. */
    readonly sync: boolean;
}

/** A pair of a shard, as it is exported. */
export interface ShardPair extends TokenPair {
    readonly shardId: string;
}

/** A pair as it is imported. */
export interface ImportedPair extends TokenPair {
    /** The line of the import, counted from 1, for messages. */
    readonly line: number;
}

/** Where pairs are exported from. A sequence is a place in a shard; later tokens have larger ones. */
export interface ExportSource {
    /** The shards that there are. */
    shardIds(): Promise<readonly string[]>;
    /** Where the shard's newest token is; `undefined`: it has none. */
    newest(shardId: string): Promise<number | undefined>;
    /** Some tokens of a shard, the first of those that are at a sequence or after it, oldest first. */
    page(shardId: string, from: number): Promise<readonly (TokenPair & { readonly sequence: number })[]>;
}

/** Where pairs are imported to. */
export interface ImportTarget {
    /**
     * How many pairs are added at once at the most.
     *
     * @default a block of an export
     */
    readonly pairsAtOnce?: number;
    /**
     * Stores those of the pairs that are not there, in their order, which is that of their watermarks. Until `complete`
     * the shard answers nothing.
     *
     * @throws {ImportError} `IMPORT_CONFLICT`, `VALUE_TOO_LARGE`: the shard has something else, or can't hold it
     */
    add(shardId: string, pairs: readonly ImportedPair[]): Promise<AddedPairs>;
    /** All pairs of the shard have been added; gives what imported watermarks are below, as {@link add} does. */
    complete(shardId: string): Promise<LexiVersion | undefined>;
}

/** What became of pairs that were to be added. */
export interface AddedPairs {
    /** How many were not there. */
    readonly created: number;
    /**
     * What imported watermarks are below in this shard, and its own above; `undefined`: nothing was imported. It becomes
     * another one when the shard is emptied, so that this does not go unnoticed in the middle of an import.
     */
    readonly below: LexiVersion | undefined;
}

/** What {@link ResumeTokenService.importWatermarks} did. */
export interface ImportResumeTokensReport {
    /** The shards that the export has watermarks of. */
    readonly shardIds: readonly string[];
    /** How many watermarks were stored. */
    readonly created: number;
    /** How many were there already, with the same resume token. */
    readonly alreadyThere: number;
}

/** All pairs of a store, as an export. */
export function exportTokens(
    source: ExportSource,
    options?: ExportResumeTokensOptions
): AsyncGenerator<string, void, undefined> {
    return exportPairs(pairsOf(source, options));
}

async function* pairsOf(
    source: ExportSource,
    options: ExportResumeTokensOptions | undefined
): AsyncGenerator<ShardPair, void, undefined> {
    const { shardIds: named } = checkCallOptions(options, { shardIds: () => undefined });
    const shardIds = named === undefined ? undefined : checkList('shardIds', named).map(checkShardId);
    for (const shardId of shardIds ?? (await source.shardIds())) {
        const newest = await source.newest(shardId);
        if (newest === undefined && shardIds !== undefined) {
            throw nothingToExport(shardId);
        }
        for (let from = 0; newest !== undefined && from <= newest;) {
            const page = await source.page(shardId, from);
            if (page.length === 0) {
                throw emptiedMeanwhile(`Shard ${JSON.stringify(shardId)}`);
            }
            for (const { sequence, watermark, resumeToken, sync } of page) {
                if (sequence <= newest) {
                    yield { shardId, watermark, resumeToken, sync };
                }
                from = sequence + 1;
            }
        }
    }
}

/** Writes pairs as an export: those of a shard one after the other, in the order of their watermarks. */
export function exportPairs(pairs: AsyncIterable<ShardPair>): AsyncGenerator<string, void, undefined> {
    return writeExport('resume-tokens', entriesOf(pairs));
}

async function* entriesOf(pairs: AsyncIterable<ShardPair>): AsyncGenerator<JsonObject, void, undefined> {
    for await (const { shardId, watermark, resumeToken, sync } of pairs) {
        yield { shard: shardId, watermark, token: resumeToken, ...(sync ? { sync } : {}) };
    }
}

/** Reads an export and hands its pairs to where they belong; shards are complete once its end has been seen. */
export async function importPairs(lines: ExportLines, target: ImportTarget): Promise<ImportResumeTokensReport> {
    const newest = new Map<string, LexiVersion>();
    const limits = new Map<string, LexiVersion | undefined>();
    const checkLimit = (shardId: string, below: LexiVersion | undefined) => {
        if (below === undefined || below !== (limits.get(shardId) ?? below)) {
            throw emptiedMeanwhile(`Shard ${JSON.stringify(shardId)}`);
        }
        limits.set(shardId, below);
    };
    let created = 0;
    let read = 0;
    for await (const block of readExport('resume-tokens', lines)) {
        for (const [shardId, pairs] of byShard(block)) {
            newest.set(shardId, checkOrder(pairs, newest.get(shardId) ?? ''));
            checkTokens(pairs);
            const step = target.pairsAtOnce ?? pairs.length;
            for (let start = 0; start < pairs.length; start += step) {
                const added = await target.add(shardId, pairs.slice(start, start + step));
                checkLimit(shardId, added.below);
                created += added.created;
            }
            read += pairs.length;
        }
    }
    for (const shardId of newest.keys()) {
        checkLimit(shardId, await target.complete(shardId));
    }
    return { shardIds: [...newest.keys()], created, alreadyThere: read - created };
}

/** The pairs of a block, all of a shard together. */
function byShard(block: readonly ExportedEntry[]): Map<string, ImportedPair[]> {
    const shards = new Map<string, ImportedPair[]>();
    for (const entry of block) {
        const { shardId, ...pair } = pairIn(entry);
        const pairs = shards.get(shardId);
        if (pairs === undefined) {
            shards.set(shardId, [pair]);
        } else {
            pairs.push(pair);
        }
    }
    return shards;
}

/** Sees to it that watermarks grow, from the last one before these; gives the last of these. */
function checkOrder(pairs: readonly ImportedPair[], before: LexiVersion): LexiVersion {
    return pairs.reduce((last, { line, watermark }) => {
        if (watermark <= last) {
            throw invalid(line, `its watermark ${watermark} is not above the one before it, ${last}`);
        }
        return watermark;
    }, before);
}

/** Sees to it that no token has two watermarks. Where they are in different blocks, the store sees to it. */
function checkTokens(pairs: readonly ImportedPair[]): void {
    const watermarks = new Map<string, LexiVersion>();
    for (const { line, watermark, resumeToken, sync } of pairs) {
        const other = watermarks.get(resumeToken);
        if (!sync && other !== undefined) {
            throw invalid(line, `its resume token has the watermark ${other} in a line before it`);
        }
        if (!sync) {
            watermarks.set(resumeToken, watermark);
        }
    }
}

function pairIn({ line, content }: ExportedEntry): ShardPair & ImportedPair {
    const { shard, watermark, token, sync = false } = content;
    if (!isLexiVersion(watermark)) {
        throw invalid(line, 'its "watermark" is not a LexiVersion');
    }
    if (typeof sync !== 'boolean') {
        throw invalid(line, 'its "sync" is neither true nor false');
    }
    const shardId = checked(line, 'shard', shard, checkShardId);
    return { line, shardId, watermark, resumeToken: checked(line, 'token', token, checkResumeToken), sync };
}

function checked(line: number, name: string, value: unknown, check: (value: string) => string): string {
    if (typeof value === 'string') {
        try {
            return check(value);
        } catch (error) {
            if (!isWatermarkError(error)) {
                throw error;
            }
        }
    }
    throw invalid(line, `its "${name}" is not a non-empty string of well-formed Unicode`);
}

function invalid(line: number, problem: string): ImportError {
    return new ImportError(WatermarkErrorCode.INVALID_EXPORT, line, problem);
}
