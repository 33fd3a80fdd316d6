import type { ResolvedNatsKvConfig } from './options.js';
import type { StreamConfig } from './jetstream.js';

const NANOS_PER_MS = 1_000_000;
const TWO_MINUTES_MS = 120_000;

/** Bytes that the headers of a record take beside it; a bucket's size limit counts them. */
export const HEADER_BYTES = 160;

/** The smallest limit of a record that can be asked for; with less than that a bucket is of no use. */
export const SMALLEST_RECORD_BYTES = 256;

/** A setting in which a bucket differs from what was asked for. */
export interface BucketDifference {
    readonly setting: string;
    readonly wanted: string;
    readonly actual: string;
    /** What follows from it for the application. */
    readonly consequence: string;
    /** Whether a promise of this library would be broken. */
    readonly breaksPromise: boolean;
}

/** The name of the stream behind a bucket (ADR-8). */
export function streamOfBucket(bucket: string): string {
    return `KV_${bucket}`;
}

/** What the subjects of a bucket's keys begin with (ADR-8). */
export function subjectPrefixOfBucket(bucket: string): string {
    return `$KV.${bucket}.`;
}

/** The stream that `nats kv add` would make for the same bucket. */
export function wantedStreamConfig(config: ResolvedNatsKvConfig): StreamConfig {
    const maxAge = config.ttlMs * NANOS_PER_MS;
    return {
        name: streamOfBucket(config.bucket),
        subjects: [`${subjectPrefixOfBucket(config.bucket)}>`],
        retention: 'limits',
        storage: config.storage,
        num_replicas: config.replicas,
        max_msgs_per_subject: config.history,
        max_msgs: -1,
        max_bytes: -1,
        max_age: maxAge,
        max_msg_size: config.maxValueSizeBytes ?? -1,
        discard: 'new',
        // Retries are recognised within this window; it must not be longer than messages live.
        duplicate_window: Math.min(TWO_MINUTES_MS, config.ttlMs || TWO_MINUTES_MS) * NANOS_PER_MS,
        allow_rollup_hdrs: true,
        deny_delete: true,
        allow_direct: true,
        ...(config.placement === undefined ? {} : { placement: config.placement })
    };
}

/** Compares a bucket that is there with what was asked for. */
export function compareBucket(config: ResolvedNatsKvConfig, actual: StreamConfig): BucketDifference[] {
    const wanted = wantedStreamConfig(config);
    const differences: BucketDifference[] = [];
    const differs = (setting: string, asked: unknown, found: unknown, consequence: string, breaksPromise = false) =>
        differences.push({ setting, wanted: String(asked), actual: String(found), consequence, breaksPromise });

    if (actual.mirror !== undefined) {
        differs('mirror', 'none', actual.mirror.name, 'writes would go nowhere: a mirror is read-only', true);
    }
    if (actual.sealed === true) {
        differs('sealed', false, true, 'nothing can be written', true);
    }
    if (actual.mirror === undefined && actual.subjects?.includes(`${subjectPrefixOfBucket(config.bucket)}>`) !== true) {
        differs('subjects', wanted.subjects, actual.subjects ?? 'none', 'watermarks would not be stored in it', true);
    }
    if (actual.retention !== undefined && actual.retention !== wanted.retention) {
        differs('retention', wanted.retention, actual.retention, 'watermarks would vanish once they were read', true);
    }
    if ('no_ack' in actual && actual.no_ack === true) {
        differs('no_ack', false, true, 'no write would ever be acknowledged', true);
    }
    if (actual.persist_mode === 'async') {
        differs('persist_mode', 'default', 'async', 'acknowledged writes can be lost when a server crashes');
    }
    const maxAge = actual.max_age ?? 0;
    if (maxAge !== wanted.max_age) {
        const shorter = maxAge !== 0 && (wanted.max_age === 0 || maxAge < (wanted.max_age ?? 0));
        differs(
            'ttlMs',
            config.ttlMs,
            maxAge / NANOS_PER_MS,
            shorter ? 'watermarks would vanish before their time' : 'watermarks live longer than asked for',
            shorter
        );
    }
    const maxSize = actual.max_msg_size ?? -1;
    const wantedSize = config.maxValueSizeBytes ?? SMALLEST_RECORD_BYTES;
    if (maxSize !== -1 && maxSize < wantedSize) {
        differs('maxValueSizeBytes', wantedSize, maxSize, 'records of that size would be refused', true);
    }
    const perSubject = actual.max_msgs_per_subject ?? -1;
    if (perSubject !== config.history) {
        differs('history', config.history, perSubject, 'history() gives as many revisions as the bucket keeps');
    }
    if ((actual.num_replicas ?? 1) !== config.replicas) {
        differs(
            'replicas',
            config.replicas,
            actual.num_replicas ?? 1,
            'the bucket survives as many failures as it has'
        );
    }
    if ((actual.storage ?? 'file') !== config.storage) {
        const memory = actual.storage === 'memory';
        const consequence = memory ? 'all watermarks are lost when the servers restart' : 'it is slower than memory';
        differs('storage', config.storage, actual.storage, consequence);
    }
    const limited = (actual.max_bytes ?? -1) > 0 || (actual.max_msgs ?? -1) > 0;
    if (actual.discard !== 'new' && limited) {
        differs('discard', 'new', actual.discard ?? 'old', 'a full bucket drops its oldest watermarks without a word');
    }
    if (config.readConsistency === 'any' && actual.allow_direct !== true) {
        differs('allow_direct', true, false, 'reads go to the leader although readConsistency is "any"');
    }
    return differences;
}

/** One line a difference, for logs and messages. */
export function describeDifference(difference: BucketDifference): string {
    const { setting, wanted, actual, consequence } = difference;
    return `${setting} is ${actual} instead of ${wanted}: ${consequence}`;
}
