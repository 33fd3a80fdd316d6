import { InvalidOptionsError, isWatermarkError, WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

/** For a call that found no connection until its time was up. */
export function disconnected(servers: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.UNAVAILABLE,
        `There was no connection to the NATS servers (${servers}) within timeoutMs.`,
        { remediation: 'The client goes on reconnecting; calls work again once a server can be reached.' }
    );
}

/** For a call whose time was used up by what comes before the write. */
export function outOfTime(): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.UNAVAILABLE, 'The write was not sent: timeoutMs had passed before.');
}

/** For a write that was refused because of its condition, by a server of which nobody could confirm that it was up to date. */
export function unconfirmedConflict(): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.UNAVAILABLE,
        'The write was not stored: a NATS server refused it that may have been behind the others, within timeoutMs.',
        { remediation: 'Try again; when the servers agree on a leader, either the write or the conflict is certain.' }
    );
}

/** For a write of which nobody can say whether it was stored. */
export function outcomeUnknown(cause?: unknown): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.OUTCOME_UNKNOWN,
        'Whether the write was stored is not known: it was sent, and no acknowledgement came that could be trusted.',
        { cause, remediation: 'Read the watermark before you write again.' }
    );
}

/** For a shard that was to be emptied, of which nobody can say whether it has been. */
export function abandonUnknown(shard: string, cause: unknown): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.OUTCOME_UNKNOWN,
        `Whether ${shard} was abandoned is not known: the request was sent, and no answer came within timeoutMs.`,
        { cause, remediation: 'Abandon it again, which is safe however the first one has ended.' }
    );
}

/** For a condition that a write was refused for, and that it was not given: the client does not take headers as they were encoded. */
export function foreignClient(): WatermarkError {
    return new InvalidOptionsError('The NATS connection cannot be used', [
        'connection: its client sends other headers than it is given, so nothing was stored; ' +
            'expected one that the installed version of @nats-io/transport-node has made'
    ]);
}

/**
 * Waits until all of several writes have ended.
 *
 * @throws {WatermarkError} what one of them has failed with; of one that is in doubt, if there is one, because it must not
 *   hide behind one that has had no effect
 */
export async function allEnded(writes: readonly Promise<unknown>[]): Promise<void> {
    const ended = await Promise.allSettled(writes);
    const failures = ended.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) {
        throw failures.find(error => isWatermarkError(error, WatermarkErrorCode.OUTCOME_UNKNOWN)) ?? failures[0];
    }
}

/**
 * Lets no later failure hide that something may have been stored.
 *
 * @throws {WatermarkError} `OUTCOME_UNKNOWN` instead of what the step fails with, if something is in doubt
 */
export async function doubting<T>(inDoubt: boolean, step: Promise<T>): Promise<T> {
    try {
        return await step;
    } catch (error) {
        throw inDoubt && !isCertain(error) ? outcomeUnknown(error) : error;
    }
}

/** A damaged entry is there whatever became of the write; and of a bucket that is gone, nothing is left. */
function isCertain(error: unknown): boolean {
    return (
        isWatermarkError(error, WatermarkErrorCode.CORRUPT_RECORD) ||
        isWatermarkError(error, WatermarkErrorCode.BUCKET_NOT_FOUND)
    );
}
