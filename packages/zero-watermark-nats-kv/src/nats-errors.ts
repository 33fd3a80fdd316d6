import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { AuthorizationError, UserAuthenticationExpiredError } from '@nats-io/transport-node';

import type { ResolvedConnection } from './options.js';
import type { RequestFailure } from './requester.js';

/** JetStream's error numbers that this package acts on (nats-server `server/errors.json`). */
export const JetStreamCode = {
    CLUSTER_NOT_AVAILABLE: 10008,
    CONSUMER_NOT_FOUND: 10014,
    INSUFFICIENT_RESOURCES: 10023,
    NO_MESSAGE_FOUND: 10037,
    NOT_ENABLED_FOR_ACCOUNT: 10039,
    MESSAGE_TOO_LARGE: 10054,
    STREAM_NAME_EXISTS: 10058,
    STREAM_NOT_FOUND: 10059,
    WRONG_LAST_SEQUENCE: 10071,
    NOT_ENABLED: 10076,
    /** The first try of this message is still being stored (2.12+). */
    DUPLICATE_IN_FLIGHT: 10158,
    /** Like 10071, from a leader that doesn't know the sequence yet (2.12+). */
    WRONG_LAST_SEQUENCE_UNKNOWN: 10164
} as const;

/** A refusal by JetStream, with its number. Never leaves the package. */
export class ApiFailure extends Error {
    override readonly name = 'ApiFailure';
    readonly code: number;

    constructor(code: number, description: string) {
        super(description);
        this.code = code;
    }
}

/** Answers that a server gives while it is starting, electing or overloaded; asking again is right. */
const TRANSIENT: ReadonlySet<number> = new Set([
    JetStreamCode.CLUSTER_NOT_AVAILABLE,
    JetStreamCode.DUPLICATE_IN_FLIGHT,
    JetStreamCode.NOT_ENABLED
]);

export function isTransient(failure: ApiFailure): boolean {
    return TRANSIENT.has(failure.code);
}

/** What a refusal that is not about the message itself means to the caller. */
export function errorOfApiFailure(failure: ApiFailure, bucket: string): WatermarkError {
    switch (failure.code) {
        case JetStreamCode.STREAM_NOT_FOUND:
            return bucketNotFound(bucket);
        case JetStreamCode.NOT_ENABLED_FOR_ACCOUNT:
            return new WatermarkError(
                WatermarkErrorCode.UNAVAILABLE,
                'JetStream is not enabled for this account on the NATS server.',
                { remediation: 'Add "jetstream: enabled" to the account in the server configuration.' }
            );
        case JetStreamCode.NOT_ENABLED:
            return jetStreamNotEnabled();
        default:
            return new WatermarkError(
                WatermarkErrorCode.UNAVAILABLE,
                `The NATS server refused: ${failure.message} (JetStream error ${failure.code}).`,
                { cause: failure }
            );
    }
}

/** What a request without an answer means, when nothing was written by it. */
export function errorOfRequestFailure(failure: RequestFailure): WatermarkError {
    switch (failure.kind) {
        case 'not-permitted':
            return new WatermarkError(
                WatermarkErrorCode.PERMISSION_DENIED,
                `The NATS server does not permit this user to use the subject "${failure.subject}".`,
                { remediation: 'docs/security.md lists the subjects that each role needs.' }
            );
        case 'closed':
            return closedError();
        default:
            return new WatermarkError(
                WatermarkErrorCode.UNAVAILABLE,
                `The NATS server did not answer on "${failure.subject}" (${failure.kind}).`
            );
    }
}

export function closedError(): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.CLOSED, 'The watermark store is closed.');
}

export function bucketNotFound(bucket: string): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.BUCKET_NOT_FOUND, `The KV bucket "${bucket}" does not exist.`, {
        remediation:
            `Create it: nats kv add ${bucket} --replicas=3 ` +
            '(or leave bucketPolicy at "create", and it is made at the next start).'
    });
}

export function jetStreamNotEnabled(): WatermarkError {
    return new WatermarkError(WatermarkErrorCode.UNAVAILABLE, 'JetStream is not enabled on the NATS server.', {
        remediation: 'Start it with "nats-server -js", or add "jetstream {}" to its configuration.'
    });
}

/** Names the kind of credential that is used, never its value. */
export function describeAuthentication(target: Extract<ResolvedConnection, { kind: 'own' }>): string {
    if (target.credentials !== undefined) {
        return `the credentials file ${JSON.stringify(target.credentials)}`;
    }
    if (target.token !== undefined) {
        return 'the token';
    }
    if (target.user !== undefined) {
        return 'the user and password';
    }
    if (target.clientOptions.authenticator !== undefined) {
        return 'the authenticator';
    }
    return 'a connection without credentials';
}

export function isAuthenticationError(error: unknown): boolean {
    return causes(error).some(
        cause => cause instanceof AuthorizationError || cause instanceof UserAuthenticationExpiredError
    );
}

/** OpenSSL and Node give TLS failures a code of their own; a refused client certificate comes as an alert. */
export function isTlsError(error: unknown): error is Error {
    return causes(error).some(cause => {
        const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
        return (
            typeof code === 'string' &&
            /^(ERR_SSL_|ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/.test(code)
        );
    });
}

function causes(error: unknown): unknown[] {
    const chain: unknown[] = [];
    for (let cause = error; cause !== undefined && cause !== null && chain.length < 5; ) {
        chain.push(cause);
        cause = cause instanceof Error ? cause.cause : undefined;
    }
    return chain;
}
