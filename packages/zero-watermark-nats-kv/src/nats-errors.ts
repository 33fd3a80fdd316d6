import { InvalidOptionsError, WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { closedError } from '@cbnsndwch/zero-contracts/backend';
import {
    type Authenticator,
    AuthorizationError,
    ConnectionError,
    InvalidArgumentError,
    TimeoutError,
    UserAuthenticationExpiredError
} from '@nats-io/transport-node';

import type { ResolvedConnection } from './options.js';
import type { RequestFailure } from './requester.js';

/** JetStream's error numbers that this package acts on (nats-server `server/errors.json`). */
export const JetStreamCode = {
    RESOURCE_LIMITS_OF_ACCOUNT: 10002,
    NO_SUITABLE_PEERS: 10005,
    CLUSTER_NOT_AVAILABLE: 10008,
    CONSUMER_NOT_FOUND: 10014,
    INSUFFICIENT_RESOURCES: 10023,
    /** Also: a setting that the server does not know (2.12+). */
    INVALID_JSON: 10025,
    TOO_MANY_STREAMS: 10027,
    NO_MESSAGE_FOUND: 10037,
    NOT_ENABLED_FOR_ACCOUNT: 10039,
    INSUFFICIENT_STORAGE: 10047,
    MESSAGE_TOO_LARGE: 10054,
    STREAM_NAME_EXISTS: 10058,
    STREAM_NOT_FOUND: 10059,
    WRONG_LAST_SEQUENCE: 10071,
    REPLICAS_WITHOUT_CLUSTER: 10074,
    NOT_ENABLED: 10076,
    BUCKET_FULL: 10077,
    /** The first try of this message is still being stored (2.12+). */
    DUPLICATE_IN_FLIGHT: 10158,
    /** A batch of which the server does not have all (2.12+): parts were lost with a connection or a leader. */
    BATCH_INCOMPLETE: 10176,
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
    JetStreamCode.BATCH_INCOMPLETE,
    JetStreamCode.NOT_ENABLED
]);

export function isTransient(failure: ApiFailure): boolean {
    return TRANSIENT.has(failure.code);
}

/** Whether a condition of a write did not hold. */
export function isConflict(error: unknown): boolean {
    return (
        error instanceof ApiFailure &&
        (error.code === JetStreamCode.WRONG_LAST_SEQUENCE || error.code === JetStreamCode.WRONG_LAST_SEQUENCE_UNKNOWN)
    );
}

/** What can be done about limits; the server's own text says which one was reached. */
const REMEDIATIONS: ReadonlyMap<number, string> = new Map([
    [JetStreamCode.RESOURCE_LIMITS_OF_ACCOUNT, 'Raise the limits of the account (max_file, max_mem), or make room.'],
    [JetStreamCode.NO_SUITABLE_PEERS, 'It takes as many servers as replicas, with room, that fit the placement.'],
    [JetStreamCode.INSUFFICIENT_RESOURCES, "Raise the server's max_file_store (max_memory_store), or make room."],
    [JetStreamCode.TOO_MANY_STREAMS, 'Raise max_streams of the account.'],
    [JetStreamCode.INSUFFICIENT_STORAGE, "Raise the server's max_file_store (max_memory_store), or make room."],
    [JetStreamCode.REPLICAS_WITHOUT_CLUSTER, 'Set replicas to 1, or let the servers form a cluster.'],
    [JetStreamCode.BUCKET_FULL, 'Raise max_bytes of the bucket (nats stream edit), or make room.']
]);

/** What can be done about a record that is too large. */
export const STORE_LESS = "Store less data, or raise the bucket's max-value-size and the server's max_payload.";

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
        case JetStreamCode.MESSAGE_TOO_LARGE:
            return new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `The KV bucket "${bucket}" takes nothing as large as this: ` +
                    `${failure.message} (JetStream error ${failure.code}).`,
                { cause: failure, remediation: STORE_LESS }
            );
        default: {
            const remediation = REMEDIATIONS.get(failure.code);
            return new WatermarkError(
                WatermarkErrorCode.UNAVAILABLE,
                `The NATS server refused a request for the KV bucket "${bucket}": ` +
                    `${failure.message} (JetStream error ${failure.code}).`,
                remediation === undefined ? { cause: failure } : { cause: failure, remediation }
            );
        }
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
        case 'inbox-refused':
            return new WatermarkError(
                WatermarkErrorCode.PERMISSION_DENIED,
                `The NATS server does not permit this user to subscribe to "${failure.subject}", where answers arrive.`,
                {
                    remediation:
                        'Permit it (docs/security.md has the permissions), or set connection.inboxPrefix to what is ' +
                        'permitted. It is asked for again with the next call.'
                }
            );
        case 'too-large':
            return new WatermarkError(
                WatermarkErrorCode.VALUE_TOO_LARGE,
                `A message for "${failure.subject}" has ${failure.sizes?.bytes} bytes; with its headers, ` +
                    `the NATS server takes at most ${failure.sizes?.mostBytes}.`,
                { remediation: STORE_LESS }
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

type OwnConnection = Extract<ResolvedConnection, { kind: 'own' }>;

/** The error to report when connecting can't succeed however often it is tried, or `undefined`. */
export function finalConnectError(error: unknown, target: OwnConnection): WatermarkError | undefined {
    const servers = target.servers.join(', ');
    if (error instanceof InvalidArgumentError || error instanceof TypeError) {
        return new InvalidOptionsError('The NATS client refuses the options', [`connection: ${error.message}`]);
    }
    if (isAuthenticationError(error)) {
        return new WatermarkError(
            WatermarkErrorCode.AUTHENTICATION_FAILED,
            `The NATS server (${servers}) refused ${describeAuthentication(target)}.`,
            { remediation: 'Check that the user exists on this server and that the secret is the current one.' }
        );
    }
    const tlsProblem = findTlsProblem(error) ?? findMissingTls(error, target);
    if (tlsProblem !== undefined) {
        return new WatermarkError(
            WatermarkErrorCode.UNAVAILABLE,
            `No secure connection to the NATS server (${servers}) could be made: ${tlsProblem}.`,
            { remediation: 'Check the tls options (caFile, certFile, keyFile) and the names in the certificates.' }
        );
    }
    return undefined;
}

/** No server could be connected to in the time that was given, for these reasons. */
export function noServerAnswered(
    reasons: ReadonlySet<string>,
    target: OwnConnection,
    connectTimeoutMs: number
): WatermarkError {
    const servers = target.servers.join(', ');
    // That it took too long is no news, unless there is nothing else to say.
    const telling = [...reasons].filter(reason => reason !== new TimeoutError().message);
    const ofTls =
        ' Over TLS, a server also falls silent when it refuses the client certificate (certFile, keyFile),' +
        ' or when it wants handshakeFirst.';
    return new WatermarkError(
        WatermarkErrorCode.UNAVAILABLE,
        `No NATS server answered within ${connectTimeoutMs} ms at ${servers} (${telling.join('; ') || 'timeout'}).`,
        {
            remediation:
                'Check the addresses, and that the servers run and can be reached from here.' +
                (target.tls === undefined ? '' : ofTls)
        }
    );
}

/** Names the kind of credential that is used, never its value. */
export function describeAuthentication(target: ResolvedConnection): string {
    if (target.kind === 'existing') {
        return 'the credentials of the connection that was passed in';
    }
    if (target.credentials !== undefined) {
        return `the credentials file ${JSON.stringify(target.credentials)}`;
    }
    if (target.token !== undefined) {
        return 'the token';
    }
    if (target.user !== undefined) {
        return 'the user and password';
    }
    const { authenticator } = target.clientOptions;
    return authenticator === undefined
        ? 'a connection without credentials'
        : `the ${[authenticator].flat().map(kindOf).join(' and ')} of connection.authenticator`;
}

function kindOf(authenticator: Authenticator): string {
    try {
        const proof: object = authenticator('') ?? {};
        const kind = (['jwt', 'nkey', 'auth_token', 'user'] as const).find(name => name in proof);
        return kind === undefined
            ? 'credentials'
            : { jwt: 'JWT', nkey: 'NKey', auth_token: 'token', user: 'user' }[kind];
    } catch {
        return 'credentials';
    }
}

export function isAuthenticationError(error: unknown): boolean {
    return causes(error).some(
        cause => cause instanceof AuthorizationError || cause instanceof UserAuthenticationExpiredError
    );
}

/** OpenSSL and Node give TLS failures a code of their own; a refused client certificate comes as an alert. */
function findTlsProblem(error: unknown): string | undefined {
    for (const cause of causes(error)) {
        const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
        const isTls =
            typeof code === 'string' &&
            /^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/.test(code);
        if (isTls && cause instanceof Error) {
            // OpenSSL's message is a line from its source; the reason is what a person can read.
            return 'reason' in cause && typeof cause.reason === 'string' ? cause.reason : cause.message;
        }
    }
    return undefined;
}

/** The client has no code for this; if its text changes, the same is reported when the time is over. */
function findMissingTls(error: unknown, target: OwnConnection): string | undefined {
    const refused = error instanceof ConnectionError && target.tls !== undefined && /'tls'/.test(error.message);
    return refused ? 'the server offers no TLS' : undefined;
}

function causes(error: unknown): unknown[] {
    const chain: unknown[] = [];
    for (let cause = error; cause !== undefined && cause !== null && chain.length < 5;) {
        chain.push(cause);
        cause = cause instanceof Error ? cause.cause : undefined;
    }
    return chain;
}
