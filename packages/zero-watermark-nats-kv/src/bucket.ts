import { WatermarkError, WatermarkErrorCode } from '@cbnsndwch/zero-contracts';
import { backOff, type Deadline } from '@cbnsndwch/zero-contracts/backend';

import { HEADER_BYTES, streamOfBucket, subjectPrefixOfBucket, wantedStreamConfig } from './bucket-config.js';
import { type BucketDifference, compareBucket, describeDifference } from './bucket-differences.js';
import type { Connection } from './connection.js';
import type { StreamConfig, StreamInfo } from './jetstream-answers.js';
import { JetStream } from './jetstream.js';
import {
    ApiFailure,
    bucketNotFound,
    errorOfApiFailure,
    errorOfRequestFailure,
    isTransient,
    JetStreamCode,
    jetStreamNotEnabled
} from './nats-errors.js';
import type { ResolvedNatsKvConfig } from './options.js';
import { RequestFailure } from './requester.js';

/** One request of many; what doesn't come within this is asked for again, while the deadline allows. */
const ATTEMPT_MS = 2_000;

/** How long a server that says it has no JetStream may take to find out that it has. */
const JETSTREAM_GRACE_MS = 1_500;

/** A bucket that is there, with settings that keep our promises. */
export interface Bucket {
    readonly name: string;
    readonly stream: string;
    readonly subjectPrefix: string;
    /** The largest record, in bytes of its value; follows the server that the client is connected to. */
    readonly maxRecordBytes: number;
    /** Whether replicas may answer reads. */
    readonly allowDirect: boolean;
    /** The stream as it was found. */
    readonly info: StreamInfo;
    /** When it was opened, on the monotonic clock of this process. */
    readonly openedAt: number;
}

/** What a bucket is opened for. */
export interface BucketUse {
    /** Settings that it is created with, for servers of several versions: the first that the server knows. */
    readonly extraSettings?: readonly Partial<StreamConfig>[];
    /** Whether entries will have to be purged. */
    readonly isPurged?: boolean;
}

/**
 * Opens the bucket, and creates it first where the policy allows. Settings that endanger promises are logged, each with
 * what follows from it and how to mend it, or refused (`strict`).
 *
 * @throws {WatermarkError} `BUCKET_NOT_FOUND`, `BUCKET_MISMATCH`, `PERMISSION_DENIED`, `UNAVAILABLE`
 */
export async function openBucket(
    connection: Connection,
    config: ResolvedNatsKvConfig,
    deadline: Deadline,
    { extraSettings = [], isPurged = false }: BucketUse = {}
): Promise<Bucket> {
    const info = await findOrCreate(connection, config, extraSettings, deadline);
    const differences = compareBucket(config, info.config, { isClustered: info.isClustered, isPurged });
    refuseMismatch(config, differences);
    for (const difference of differences) {
        config.logger.warn(`KV bucket "${config.bucket}": ${describeDifference(difference)}.`);
    }
    return bucketOf(connection, config.bucket, info);
}

/** @throws {WatermarkError} `BUCKET_MISMATCH`, with all that must not be */
function refuseMismatch({ bucket, strict }: ResolvedNatsKvConfig, differences: readonly BucketDifference[]): void {
    const breaking = differences.filter(({ severity }) => severity === 'breaks');
    const refused = strict ? differences.filter(({ severity }) => severity !== 'differs') : breaking;
    if (refused.length === 0) {
        return;
    }
    throw new WatermarkError(
        WatermarkErrorCode.BUCKET_MISMATCH,
        `The KV bucket "${bucket}" has settings that break promises: ${refused.map(describeDifference).join('; ')}.`,
        {
            remediation:
                breaking.length === 0
                    ? 'Change the bucket, or leave out strict to use it as it is.'
                    : 'Change the bucket, or the options that ask for something else.'
        }
    );
}

/**
 * Finds a bucket, whatever its settings are.
 *
 * @throws {WatermarkError} `BUCKET_NOT_FOUND`, `PERMISSION_DENIED`, `UNAVAILABLE`
 */
export async function findBucket(
    connection: Connection,
    config: ResolvedNatsKvConfig,
    deadline: Deadline
): Promise<Bucket> {
    const required = { ...config, bucketPolicy: 'require' as const };
    const info = await findOrCreate(connection, required, [], deadline);
    return bucketOf(connection, config.bucket, info);
}

function bucketOf(connection: Connection, name: string, info: StreamInfo): Bucket {
    const { max_msg_size: maxMessage = -1 } = info.config;
    return {
        name,
        stream: info.config.name,
        subjectPrefix: subjectPrefixOfBucket(name),
        get maxRecordBytes() {
            const { maxPayload } = connection;
            return (maxMessage === -1 ? maxPayload : Math.min(maxPayload, maxMessage)) - HEADER_BYTES;
        },
        allowDirect: info.config.allow_direct === true,
        info,
        openedAt: performance.now()
    };
}

async function findOrCreate(
    connection: Connection,
    config: ResolvedNatsKvConfig,
    extraSettings: readonly Partial<StreamConfig>[],
    deadline: Deadline
): Promise<StreamInfo> {
    const js = new JetStream(connection.requester);
    const stream = streamOfBucket(config.bucket);
    const startedAt = performance.now();
    for (let attempt = 0; ; attempt += 1) {
        const timeoutMs = Math.max(1, Math.min(ATTEMPT_MS, deadline.remainingMs()));
        try {
            return await js.streamInfo(stream, timeoutMs).catch(error => {
                if (!(error instanceof ApiFailure) || error.code !== JetStreamCode.STREAM_NOT_FOUND) {
                    throw error;
                }
                if (config.bucketPolicy === 'require') {
                    throw bucketNotFound(config.bucket);
                }
                return create(js, wantedStreamConfig(config), extraSettings, timeoutMs);
            });
        } catch (error) {
            const noJetStream =
                error instanceof RequestFailure &&
                error.kind === 'no-responders' &&
                connection.nc.info?.jetstream !== true &&
                performance.now() - startedAt > JETSTREAM_GRACE_MS;
            if (noJetStream) {
                throw jetStreamNotEnabled();
            }
            const final = finalError(error, config, deadline);
            if (final !== undefined) {
                throw final;
            }
        }
        await backOff(attempt, deadline);
        await connection.settled(deadline);
    }
}

/** Servers refuse settings that they don't know (2.12 and newer, 2.11 if they are told to), where older ones pass over them. */
async function create(
    js: JetStream,
    wanted: StreamConfig,
    [extra, ...others]: readonly Partial<StreamConfig>[],
    timeoutMs: number
): Promise<StreamInfo> {
    try {
        return await js.createStream({ ...wanted, ...extra }, timeoutMs);
    } catch (error) {
        if (extra !== undefined && error instanceof ApiFailure && error.code === JetStreamCode.INVALID_JSON) {
            return create(js, wanted, others, timeoutMs);
        }
        throw error;
    }
}

/** Answers to a request to create the bucket that may be another a moment later. */
const PASSING: ReadonlySet<number> = new Set([
    // Two instances at once: the other one's stream has other settings, so the comparison will say which.
    JetStreamCode.STREAM_NAME_EXISTS,
    // A cluster that is being started may not have all its servers yet.
    JetStreamCode.NO_SUITABLE_PEERS
]);

/** The error to report now, or `undefined` when asking again may help. */
function finalError(error: unknown, config: ResolvedNatsKvConfig, deadline: Deadline): Error | undefined {
    if (error instanceof ApiFailure) {
        const mayPass = isTransient(error) || PASSING.has(error.code);
        return mayPass && !deadline.passed() ? undefined : errorOfApiFailure(error, config.bucket);
    }
    if (error instanceof RequestFailure) {
        return error.mayPass && !deadline.passed() ? undefined : errorOfRequestFailure(error);
    }
    return error instanceof Error ? error : new Error(String(error));
}
