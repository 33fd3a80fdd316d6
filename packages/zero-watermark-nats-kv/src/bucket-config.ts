import type { ResolvedNatsKvConfig } from './options.js';
import type { StreamConfig } from './jetstream-answers.js';

export const NANOS_PER_MS = 1_000_000;
const TWO_MINUTES_MS = 120_000;

/** Bytes that the headers of a record take beside it; a bucket's size limit counts them. */
export const HEADER_BYTES = 160;

/** The smallest limit of a record that can be asked for; with less than that a bucket is of no use. */
export const SMALLEST_RECORD_BYTES = 256;

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
