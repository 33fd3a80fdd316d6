import { describe, expect, test } from 'vitest';

import { streamOfBucket, subjectPrefixOfBucket, wantedStreamConfig } from './bucket-config.js';
import { type NatsKvBucketConfig, resolveOptions } from './options.js';

const NANOS_PER_MS = 1_000_000;

function configOf(options: Partial<NatsKvBucketConfig> = {}) {
    return resolveOptions({ servers: ['localhost'], bucket: 'b', ...options });
}

test('names follow the layout that all NATS clients share', () => {
    expect(streamOfBucket('zero-watermarks')).toBe('KV_zero-watermarks');
    expect(subjectPrefixOfBucket('zero-watermarks')).toBe('$KV.zero-watermarks.');
});

describe('wantedStreamConfig', () => {
    test('without wishes it is what nats kv add makes', () => {
        expect(wantedStreamConfig(configOf())).toEqual({
            name: 'KV_b',
            subjects: ['$KV.b.>'],
            retention: 'limits',
            storage: 'file',
            num_replicas: 1,
            max_msgs_per_subject: 1,
            max_msgs: -1,
            max_bytes: -1,
            max_age: 0,
            max_msg_size: -1,
            discard: 'new',
            duplicate_window: 120_000 * NANOS_PER_MS,
            allow_rollup_hdrs: true,
            deny_delete: true,
            allow_direct: true
        });
    });

    test('every option has its place', () => {
        const placement = { cluster: 'east', tags: ['ssd'] };
        const options = {
            replicas: 3,
            history: 5,
            storage: 'memory',
            maxValueSizeBytes: 4096,
            ttlMs: 60_000,
            placement
        } as const;
        expect(wantedStreamConfig(configOf(options))).toMatchObject({
            num_replicas: 3,
            max_msgs_per_subject: 5,
            storage: 'memory',
            max_msg_size: 4096,
            max_age: 60_000 * NANOS_PER_MS,
            // NATS refuses a window that is longer than messages live.
            duplicate_window: 60_000 * NANOS_PER_MS,
            placement
        });
    });
});
