import { type CallOptionChecks, checkCallOptions } from '../backend/arguments.js';
import { closedError } from '../backend/failures.js';
import { oneOf } from '../backend/option-checks.js';
import { ImportError, isWatermarkError, WatermarkErrorCode } from '../errors.js';
import { quoted } from '../quoted.js';
import type { Watermark, WatermarkService } from '../watermark.js';
import { concurrently } from './concurrently.js';
import type { ExportLines } from './lines.js';
import { sameJson } from './same-json.js';
import { type ExportedEntry, type JsonObject, readExport, writeExport } from './sealed-lines.js';

/** Options of {@link WatermarkService.importWatermarks}. */
export interface ImportWatermarksOptions {
    /**
     * What becomes of a key that has another version or other data: `keep` leaves it as it is and reports the line,
     * `replace` stores what is imported.
     *
     * @default 'keep'
     */
    readonly onConflict?: 'keep' | 'replace';
}

/** What {@link WatermarkService.importWatermarks} did. Each line is counted once. */
export interface ImportWatermarksReport {
    /** How many watermarks were stored under keys that had none. */
    readonly created: number;
    /** How many took the place of something else (`onConflict: 'replace'`). */
    readonly replaced: number;
    /** How many were there already, with the same version and data. */
    readonly alreadyThere: number;
    /** How many were not imported, because the store has something else there or can't hold them. */
    readonly refused: number;
    /** Which those are, and why; not more than the first thousand. */
    readonly problems: readonly ImportProblem[];
}

/** A watermark that was not imported. */
export interface ImportProblem {
    /** The line of the import, counted from 1. */
    readonly line: number;
    readonly key: string;
    /** What is in the way. */
    readonly message: string;
}

const OPTIONS: CallOptionChecks<ImportWatermarksOptions> = { onConflict: oneOf('keep', 'replace') };

/** Writes under way at once. */
const PARALLEL_WRITES = 64;

/** How many problems a report lists. */
const MOST_PROBLEMS = 1_000;

/** How long what was written may take to be seen: a replica that answers reads (`readConsistency: 'any'`) may lag. */
const READ_BACK_MS = 5_000;
const READ_BACK_EVERY_MS = 50;

/** All watermarks of a service, as an export. Of the watermarks, it holds only the keys in memory. */
export function exportWatermarks(service: WatermarkService): AsyncGenerator<string, void, undefined> {
    return writeExport('watermarks', currentOf(service));
}

async function* currentOf(service: WatermarkService): AsyncGenerator<JsonObject, void, undefined> {
    // What is written meanwhile comes again; an export has each key once.
    const keys = new Set<string>();
    for await (const event of service.watchAll({ includeCurrent: true })) {
        if (event.type === 'current-complete') {
            return;
        }
        if (event.type === 'set' && !keys.has(event.watermark.key)) {
            const { key, version, data, timestamp, revision } = event.watermark;
            keys.add(key);
            yield { key, version, data, timestamp, revision };
        }
    }
    // A watch ends without an error when its service closes.
    throw closedError();
}

/** Takes an export in. */
export async function importWatermarks(
    service: WatermarkService,
    lines: ExportLines,
    options?: ImportWatermarksOptions
): Promise<ImportWatermarksReport> {
    const { onConflict = 'keep' } = checkCallOptions(options, OPTIONS);
    const counts = { created: 0, replaced: 0, alreadyThere: 0, refused: 0 };
    const problems: ImportProblem[] = [];
    for await (const block of readExport('watermarks', lines)) {
        await concurrently(block.map(watermarkIn), PARALLEL_WRITES, async watermark => {
            const outcome = await place(service, watermark, onConflict);
            if (typeof outcome === 'string') {
                counts[outcome] += 1;
                return;
            }
            counts.refused += 1;
            if (problems.length < MOST_PROBLEMS) {
                problems.push({ line: watermark.line, key: watermark.key, message: outcome.message });
            }
        });
    }
    problems.sort((a, b) => a.line - b.line);
    return { ...counts, problems };
}

/** A watermark as it stands in a line. */
interface ExportedWatermark {
    readonly line: number;
    readonly key: string;
    readonly version: string;
    readonly data: Record<string, unknown> | undefined;
}

function watermarkIn({ line, content }: ExportedEntry): ExportedWatermark {
    const { key, version, data } = content;
    if (typeof key !== 'string') {
        throw invalid(line, 'its "key" is not a string');
    }
    if (typeof version !== 'string' || version === '') {
        throw invalid(line, 'its "version" is not a non-empty string');
    }
    if (data !== undefined && (typeof data !== 'object' || data === null || Array.isArray(data))) {
        throw invalid(line, 'its "data" is not an object');
    }
    return { line, key, version, data: data === undefined ? undefined : { ...data } };
}

type Placed = 'created' | 'replaced' | 'alreadyThere';

/** What a store can have against a single watermark; anything else ends the import. */
const REFUSALS: ReadonlySet<string> = new Set([
    WatermarkErrorCode.INVALID_KEY,
    WatermarkErrorCode.INVALID_DATA,
    WatermarkErrorCode.VALUE_TOO_LARGE,
    WatermarkErrorCode.CORRUPT_RECORD
]);

/** Stores a watermark; an error that is given, not thrown, says why not. */
async function place(
    service: WatermarkService,
    watermark: ExportedWatermark,
    onConflict: 'keep' | 'replace'
): Promise<Placed | Error> {
    const { key, version, data } = watermark;
    try {
        for (;;) {
            const current = await service.get(key);
            if (current !== null && isSame(current, watermark)) {
                return 'alreadyThere';
            }
            if (current !== null && onConflict === 'keep') {
                return new Error(
                    `${quoted(key)} is at version ${quoted(current.version)} of revision ${current.revision}; ` +
                        `the import has ${quoted(version)}${version === current.version ? ' with other data' : ''}`
                );
            }
            try {
                const revision = await (current === null
                    ? service.create(key, version, data)
                    : service.compareAndSet(key, current.revision, version, data));
                await readBack(service, watermark, revision);
                return current === null ? 'created' : 'replaced';
            } catch (error) {
                // Somebody else has written meanwhile: what is there now decides.
                if (!isWatermarkError(error, WatermarkErrorCode.REVISION_CONFLICT)) {
                    throw error;
                }
            }
        }
    } catch (error) {
        if (isWatermarkError(error) && REFUSALS.has(error.code)) {
            return error;
        }
        throw error;
    }
}

/** Sees to it that a revision is what was written, or was replaced since. */
async function readBack(service: WatermarkService, watermark: ExportedWatermark, revision: number): Promise<void> {
    const until = performance.now() + READ_BACK_MS;
    for (;;) {
        const found = await service.get(watermark.key);
        if (
            found !== null &&
            (found.revision > revision || (found.revision === revision && isSame(found, watermark)))
        ) {
            return;
        }
        if (performance.now() > until || found?.revision === revision) {
            throw new ImportError(
                WatermarkErrorCode.IMPORT_CONFLICT,
                watermark.line,
                `${quoted(watermark.key)} was stored at revision ${revision}, but was not there when it was read back`,
                { remediation: 'Something else writes to the store; keep it from doing so, and import again.' }
            );
        }
        await new Promise(resolve => setTimeout(resolve, READ_BACK_EVERY_MS));
    }
}

function isSame(current: Watermark, watermark: ExportedWatermark): boolean {
    return current.version === watermark.version && sameJson(current.data, watermark.data);
}

function invalid(line: number, problem: string): ImportError {
    return new ImportError(WatermarkErrorCode.INVALID_EXPORT, line, problem);
}
