import { WatermarkError, WatermarkErrorCode } from '../errors.js';

/** The service was closed before or during the call. */
export function closedError(): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.CLOSED, 'The watermark store is closed.');
}

/** A new token that `compareResumeTokens` puts at or before the head. `shard` names it: `Shard "app-0"`. */
export function notAfterHead(shard: string): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.OUT_OF_ORDER,
        `A new resume token of ${shard} is not after its head, by compareResumeTokens; zero-cache would ` +
            'drop its change without a word.',
        { remediation: 'Read the upstream in its order, and each of its changes once.' }
    );
}

/**
 * A token was not stored because one before it wasn't. Otherwise it could be stored below the failed one, which its
 * caller will try again, and zero-cache would lose it without a word (seen with zero-cache 1.9).
 */
export function notSentBehind(cause: unknown): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.UNAVAILABLE,
        'A resume token before this one could not be stored, so this one was not sent.',
        { cause }
    );
}

/**
 * The store has less than this process saw in it.
 *
 * @param what says so, with the shard's name
 * @param cause why the shard could not be moved on at once; nothing is given out before it has been
 */
export function historyLost(what: string, cause?: unknown): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.HISTORY_LOST,
        `${what}. The shard goes on above all watermarks that it ever gave.`,
        { cause, remediation: 'Let zero-cache connect again: it will be told to make a new initial sync.' }
    );
}
