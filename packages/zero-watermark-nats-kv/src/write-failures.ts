import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';

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

/** For a write of which nobody can say whether it was stored. */
export function outcomeUnknown(cause?: unknown): WatermarkError {
    return new WatermarkError(
        WatermarkErrorCode.OUTCOME_UNKNOWN,
        'Whether the write was stored is not known: it was sent, and no acknowledgement came that could be trusted.',
        { cause, remediation: 'Read the watermark before you write again.' }
    );
}
