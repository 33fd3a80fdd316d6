import { ImportError, WatermarkError, WatermarkErrorCode } from '../errors.js';
import type { LexiVersion } from '../lexi-version.js';
import { quoted } from '../quoted.js';
import type { ImportedPair } from './token-transfer.js';

/*
 * What keeps pairs from being imported. `shard` names the shard: `Shard "app-0"`. No message repeats a resume token: what is
 * in it is the upstream's.
 */

/** What there is of a stored token to compare with. */
interface StoredPair {
    readonly watermark: LexiVersion;
    readonly resumeToken: string;
}

const ABANDON = 'Give up what the shard has with abandon(), then import again.';

/** A shard that is half imported would give tokens second watermarks, so it gives none. */
export function importUnfinished(shard: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.IMPORT_UNFINISHED,
        `${shard} is being imported, or its import was interrupted.`,
        { remediation: 'Run the import again, which goes on where it stopped, or give up the shard with abandon().' }
    );
}

/**
 * Sees to it that pairs which the shard does not have can be stored behind all that it has.
 *
 * @param newest the newest token of the shard
 * @param below what imported watermarks must be below; `undefined`: no import has begun
 * @throws {ImportError} `IMPORT_CONFLICT`
 */
export function checkPlace(
    shard: string,
    pairs: readonly ImportedPair[],
    newest: { readonly watermark: LexiVersion; readonly imported: boolean } | undefined,
    below: LexiVersion | undefined
): void {
    for (const { line, watermark } of pairs) {
        // A token that is imported now may have got a watermark already.
        if (newest !== undefined && (!newest.imported || below === undefined)) {
            const problem = `${shard} does not have ${watermark}, and has given out watermarks of its own`;
            throw conflict(line, problem, ABANDON);
        }
        if (newest !== undefined && watermark <= newest.watermark) {
            const problem = `${shard} does not have ${watermark}, but has later ones, up to ${newest.watermark}`;
            throw conflict(line, problem, ABANDON);
        }
        // New watermarks begin at the clock, and must be above all imported ones.
        if (below !== undefined && watermark >= below) {
            const problem = `the watermark ${watermark} is later than the clock by which ${shard} gives out new ones`;
            const wait = 'Set the clocks of both stores right, or wait until this one is past the other.';
            throw conflict(line, problem, `${wait} ${ABANDON}`);
        }
    }
}

/**
 * Sees to it that what is stored where a pair belongs, under its token or its watermark, is that pair.
 *
 * @throws {ImportError} `IMPORT_CONFLICT`
 */
export function checkSamePair(shard: string, { line, watermark, resumeToken }: ImportedPair, stored: StoredPair): void {
    if (stored.watermark !== watermark) {
        const problem = `${shard} has the watermark ${stored.watermark}, not ${watermark}, for this resume token`;
        throw conflict(line, problem, ABANDON);
    }
    if (stored.resumeToken !== resumeToken) {
        throw conflict(line, `${shard} has another resume token for the watermark ${watermark}`, ABANDON);
    }
}

/** What was stored is not what was read back. */
export function notReadBack(shard: string, { line, watermark }: ImportedPair): ImportError {
    return conflict(
        line,
        `${watermark} was stored in ${shard}, but was not there when it was read back`,
        'Something else writes to the store; keep it from doing so. ' + ABANDON
    );
}

/** The shard was emptied while it was being imported, or exported. */
export function emptiedMeanwhile(shard: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.HISTORY_LOST, `${shard} was emptied while it was being moved.`, {
        remediation: 'Begin again, an import with abandon(), and let nobody else abandon the shard meanwhile.'
    });
}

/** A shard that was named is empty, or there is none of this name. */
export function nothingToExport(shardId: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.INVALID_ARGUMENT,
        `Shard ${quoted(shardId)} has no watermarks to export.`,
        { remediation: 'Name shards that the store has, or none to export all of them.' }
    );
}

function conflict(line: number, problem: string, remediation: string): ImportError {
    return new ImportError(WatermarkErrorCode.IMPORT_CONFLICT, line, problem, { remediation });
}
